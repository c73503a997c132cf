// Takes aws-chunked bodies apart while they arrive: sizes, the chain of chunk signatures, trailers.
import { createHash } from 'node:crypto';
import { sameSignature, sha256Hex, sign, type VerifiedSignature } from '../sigv4.ts';
import { S3Error } from './errors.ts';

export interface ChunkedOptions {
  /** Given when each chunk is signed; the first is chained to the request's own signature. */
  readonly signature?: VerifiedSignature;
  /** Whether trailers follow the last chunk. */
  readonly hasTrailer: boolean;
  /** Told once, before the iteration ends. Names in lower case. */
  onTrailers(trailers: ReadonlyMap<string, string>): void;
}

/**
 * The payload inside `source`. A signed chunk's bytes come out before its signature is checked (a chunk may be a
 * gigabyte), so what they are written to counts only when the iteration has ended well.
 */
export async function* decodeChunked(
  source: AsyncIterable<Uint8Array>,
  { signature, hasTrailer, onTrailers }: ChunkedOptions,
): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(source);
  try {
    let previous = signature?.signature ?? '';
    for (;;) {
      const { size, claimed } = readChunkHeader(await reader.line(256), signature !== undefined);
      const hash = signature ? createHash('sha256') : undefined;
      for (let left = size; left > 0; ) {
        const bytes = await reader.take(left);
        left -= bytes.length;
        hash?.update(bytes);
        yield bytes;
      }
      if (signature && hash) {
        const { timestamp, scope, signingKey } = signature;
        const parts = ['AWS4-HMAC-SHA256-PAYLOAD', timestamp, scope, previous, sha256Hex(''), hash.digest('hex')];
        previous = checkSignature(sign(signingKey, parts.join('\n')), claimed);
      }
      if (size === 0) break;
      if ((await reader.line(0)) !== '') throw malformed('a chunk is longer than it says');
    }
    onTrailers(readTrailers(await trailerLines(reader, hasTrailer), previous, signature));
  } finally {
    await reader.close();
  }
}

/** After the last chunk: trailers and an empty line, an empty line alone, or nothing. */
async function trailerLines(reader: ByteReader, hasTrailer: boolean): Promise<string[]> {
  const lines: string[] = [];
  for (let line = await reader.lastLine(); line !== ''; line = await reader.lastLine()) {
    lines.push(line);
    if (!hasTrailer || lines.length > 8) throw malformed('there are trailers that x-amz-trailer does not announce');
  }
  await reader.end();
  return lines;
}

function readChunkHeader(line: string, signed: boolean): { size: number; claimed: string } {
  const match = /^([0-9a-fA-F]{1,13})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
  if (!match || (signed && match[2] === undefined)) throw malformed('expected a chunk header of aws-chunked');
  return { size: Number.parseInt(match[1]!, 16), claimed: match[2] ?? '' };
}

function readTrailers(
  lines: readonly string[],
  previous: string,
  signature: VerifiedSignature | undefined,
): Map<string, string> {
  const trailers = new Map<string, string>();
  for (const line of lines) {
    const at = line.indexOf(':');
    if (at < 1) throw malformed('expected name:value in a trailer');
    trailers.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim());
  }
  if (signature && lines.length > 0) {
    const claimed = trailers.get('x-amz-trailer-signature') ?? '';
    trailers.delete('x-amz-trailer-signature');
    const canonical = [...trailers].map(([name, value]) => `${name}:${value}\n`).join('');
    const { timestamp, scope, signingKey } = signature;
    const parts = ['AWS4-HMAC-SHA256-TRAILER', timestamp, scope, previous, sha256Hex(canonical)];
    checkSignature(sign(signingKey, parts.join('\n')), claimed);
  }
  return trailers;
}

function checkSignature(expected: string, claimed: string): string {
  if (sameSignature(expected, claimed)) return expected;
  throw new S3Error('SignatureDoesNotMatch', { message: 'the signature of a chunk or trailer does not match' });
}

function malformed(message: string): S3Error {
  return new S3Error('InvalidRequest', { message });
}

/** Lines and bytes from a stream of buffers, never more of it in memory than one buffer and one line. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #buffer: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** At least one byte, at most `max`. */
  async take(max: number): Promise<Uint8Array> {
    if (!(await this.#fill())) throw new S3Error('IncompleteBody');
    const bytes = this.#buffer.subarray(0, max);
    this.#buffer = this.#buffer.subarray(bytes.length);
    return bytes;
  }

  /** Up to CRLF, without it. */
  async line(limit: number): Promise<string> {
    let line = '';
    while (!line.endsWith('\r\n')) {
      if (line.length > limit + 2 || !(await this.#fill())) {
        throw line.length > limit + 2 ? malformed('a line of aws-chunked is too long') : new S3Error('IncompleteBody');
      }
      const newline = this.#buffer.indexOf(10);
      const bytes = await this.take(newline < 0 ? limit + 3 : newline + 1);
      line += Buffer.from(bytes).toString('latin1');
    }
    if (line.length > limit + 2) throw malformed('a line of aws-chunked is too long');
    return line.slice(0, -2);
  }

  /** As `line`, and empty at the end of the stream. */
  async lastLine(): Promise<string> {
    return (await this.#fill()) ? this.line(1024) : '';
  }

  async end(): Promise<void> {
    if (await this.#fill()) throw malformed('there are bytes after the last chunk');
  }

  /** Lets go of the source, which its owner may still have to drain. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #fill(): Promise<boolean> {
    while (this.#buffer.length === 0) {
      const next = await this.#source.next();
      if (next.done) return false;
      this.#buffer = next.value;
    }
    return true;
  }
}
