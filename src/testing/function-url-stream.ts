// A streamed answer of a function URL: a prelude with status and headers where there is one, then chunks as they come.
// Source: AWS Lambda Developer Guide, "Building a custom runtime for AWS Lambda", implementing response streaming.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { isRecord } from '../core/is-record.ts';
import { type UrlHead, urlHead } from './function-url-result.ts';
import type { StreamOutcome } from './invocation.ts';
import { setHeaders } from './set-headers.ts';

/** What a runtime says that begins with a prelude, and what comes between it and the body. */
const preludeType = 'application/vnd.awslambda.http-integration-response';
const delimiter = Buffer.alloc(8);
/** Of a prelude, delimiter included: what is longer is none. */
const preludeLimit = 2 ** 20;

/** Sends it to its end, or to where it breaks off; false when nothing was sent because there is no answer in it. */
export async function sendStream(
  { contentType, chunks, ended, drain }: StreamOutcome,
  response: ServerResponse,
  withOwn: (headers: UrlHead['headers']) => UrlHead['headers'],
): Promise<boolean> {
  const reader = chunks[Symbol.asyncIterator]();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const begun = contentType === preludeType ? await readPrelude(reader) : await readFirst(reader);
    const head = begun && (begun.prelude ? urlHead(begun.prelude, 'application/octet-stream') : plain(contentType));
    // Nothing is out yet: a function that fails before its first byte is an error like any other.
    if (!begun || !head || (begun.isWhole && (await ended).error)) return false;
    if (!setHeaders(response, withOwn(head.headers))) return false;
    response.writeHead(head.status).flushHeaders();
    let next: IteratorResult<Uint8Array> = { value: begun.rest };
    for (; !next.done && !gone.signal.aborted; next = await reader.next()) {
      if (next.value.length > 0 && !response.write(next.value)) await once(response, 'drain', { signal: gone.signal });
    }
    if (gone.signal.aborted) return true;
    // Half an answer must not look whole: its connection is cut.
    if ((await ended).error) response.destroy();
    else response.end();
    return true;
  } catch (error) {
    if (!response.headersSent) throw error;
    response.destroy();
    return true;
  } finally {
    drain();
  }
}

interface Begun {
  readonly prelude: Record<string, unknown> | undefined;
  readonly rest: Uint8Array;
  readonly isWhole: boolean;
}

async function readFirst(reader: AsyncIterator<Uint8Array>): Promise<Begun> {
  const first = await reader.next();
  return { prelude: undefined, rest: first.done ? new Uint8Array() : first.value, isWhole: first.done ?? false };
}

async function readPrelude(reader: AsyncIterator<Uint8Array>): Promise<Begun | undefined> {
  let read = Buffer.alloc(0);
  while (read.length <= preludeLimit) {
    const { value, done } = await reader.next();
    if (done) return undefined;
    read = Buffer.concat([read, value]);
    const end = read.indexOf(delimiter);
    if (end === -1) continue;
    const prelude = parse(read.subarray(0, end));
    return prelude && { prelude, rest: read.subarray(end + delimiter.length), isWhole: false };
  }
  return undefined;
}

function plain(contentType: string): UrlHead {
  return { status: 200, headers: { 'content-type': contentType } };
}

function parse(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
