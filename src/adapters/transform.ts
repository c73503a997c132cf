// A batch of objects that Step Functions listed: all are asked at once, so that they meet in the models' batchers, and each has
// one result or one failure afterwards. What may pass is thrown, so that the batch comes again; what was done is not done twice.
import { extname } from 'node:path';
import { contentTypeOf } from '../core/content-type.ts';
import { eachOf } from '../core/each-of.ts';
import { GlowplugError } from '../core/errors.ts';
import type { HttpResponse } from '../core/light-http.ts';
import { type Context, createContext } from '../handler/context.ts';
import { type Result, type Results, toResult } from '../results/results.ts';
import { type Failure, failureKey, passing, refused, resultKey, tooLarge } from '../transform/outcome.ts';
import type { TransformEvent } from './transform-event.ts';

/** Where objects are read, and where results go: each named relative to its prefix. */
export interface Places {
  readonly from: Pick<Results, 'get'>;
  readonly to: Pick<Results, 'get' | 'putOnce'>;
}

export interface Transformed {
  readonly done: number;
  /** Had their result or failure before. */
  readonly skipped: number;
  readonly failed: number;
}

type Fetch = (request: Request, context: Context) => Promise<HttpResponse>;

/** As many as of a queue's records: each is in memory. */
const atOnce = 128;
/** Of an object, as of a local run's. */
const maxBytes = 100e6;

/** @throws GlowplugError SERVER_BUSY when there are objects that are worth another try, after all others were answered */
export async function answerObjects(
  event: TransformEvent,
  fetch: Fetch,
  places: Places,
  within: Context,
): Promise<Transformed> {
  const count = { done: 0, skipped: 0, failed: 0 };
  const again: string[] = [];
  await eachOf(named(event), atOnce, async (item) => {
    try {
      count[await one(item, { event, fetch, places, within })]++;
    } catch (error) {
      const known = error instanceof GlowplugError ? { code: error.code } : {};
      within.log.warn('an object is to be tried again', { key: item.key, ...known, error: String(error) });
      again.push(item.key);
    }
  });
  if (again.length === 0) return count;
  throw new GlowplugError(
    'SERVER_BUSY',
    `expected an answer for each of ${event.items.length} objects, ${again.length} have none yet, ${again[0]} among them`,
  );
}

interface Item {
  readonly key: string;
  readonly size: number;
}

interface Work {
  readonly event: TransformEvent;
  readonly fetch: Fetch;
  readonly places: Places;
  readonly within: Context;
}

/** Without the prefix, and without the empty objects that S3's consoles make for folders. */
function named({ transform, items }: TransformEvent): Item[] {
  const prefix = /^s3:\/\/[^/]+\/?(.*?)\/*$/.exec(transform.from)?.[1];
  const start = prefix ? prefix.length + 1 : 0;
  return items.filter(({ Key }) => !Key.endsWith('/')).map(({ Key, Size }) => ({ key: Key.slice(start), size: Size }));
}

async function one({ key, size }: Item, work: Work): Promise<keyof Transformed> {
  const { places, within } = work;
  const { signal } = within;
  if ((await places.to.get(resultKey(key), signal)) || (await places.to.get(failureKey(key), signal))) return 'skipped';
  const outcome = size > maxBytes ? tooLarge(key, size, maxBytes) : await answerFor(key, work);
  if ('error' in outcome) {
    await places.to.putOnce(failureKey(key), asJson(outcome), signal);
    return 'failed';
  }
  await places.to.putOnce(resultKey(key), outcome, signal);
  return 'done';
}

/** @throws what is worth another try */
async function answerFor(key: string, { event, fetch, places, within }: Work): Promise<Result | Failure> {
  const { transform, retry } = event;
  const found = await places.from.get(key, within.signal);
  // Without the right to list, S3 says the same of an object that has gone and of one that is forbidden.
  if (!found) return { key, status: 404, error: 'the object has gone, or the function may not read it' };
  const context = createContext({
    ...within.trace.came,
    requestId: `${within.requestId}/${key}`,
    log: within.log,
    signal: within.signal,
  });
  const request = new Request(new URL(transform.path, 'https://localhost/'), {
    method: 'POST',
    headers: { 'content-type': transform.contentType ?? contentTypeOf(extname(key)) },
    body: found.body,
  });
  const result = await toResult(await fetch(request, context));
  if (result.status < 400) return result;
  const failure = refused(key, result.status, result.body);
  if (passing.has(result.status) && retry < transform.retries) throw new Error(`${result.status} ${failure.error}`);
  return failure;
}

function asJson(failure: Failure): Result {
  const body = Uint8Array.from(Buffer.from(JSON.stringify(failure)));
  return { status: failure.status, headers: { 'content-type': 'application/json' }, body };
}
