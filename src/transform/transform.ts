// Every object of a folder or bucket through a function: each has one result or one failure when it ends, however often it is begun.
import { type Clock, systemClock } from '../core/clock.ts';
import { eachOf } from '../core/each-of.ts';
import { GlowplugError } from '../core/errors.ts';
import { readAll } from '../models/read-all.ts';
import type { Store } from '../models/stores/store.ts';
import { type Asked, ask } from './ask.ts';
import { type Failure, failureKey, failures, noAnswer, refused, resultKey, results, tooLarge } from './outcome.ts';

/** Sends one object to the function. */
export type Send = (key: string, body: Uint8Array, signal: AbortSignal | undefined) => Promise<Response>;

export interface TransformOptions {
  readonly from: Store;
  readonly to: Store;
  readonly send: Send;
  /** Requests at once. */
  readonly concurrency: number;
  /** Bytes of an object; a larger one is a failure. @default 100 MB */
  readonly maxBytes?: number;
  /** Objects that failed in an earlier run are asked for again. @default false */
  readonly retryFailed?: boolean;
  /** Asked before the first object is sent, where one is left to send; false leaves them. */
  readonly before?: (ahead: Ahead) => Promise<boolean>;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly random?: () => number;
}

export interface Progress {
  readonly total: number;
  /** Had their result before. */
  readonly skipped: number;
  readonly done: number;
  readonly failed: number;
}

export interface Ahead {
  /** Left to send. */
  readonly objects: number;
  /** Milliseconds of a request: the median of the first three, which are answered by it and not sent again; undefined where none was. */
  measure(): Promise<number | undefined>;
}

/** What `manifest.json` beside the results says. */
export interface Manifest extends Progress {
  readonly from: string;
  /** Which versions answered, from x-glowplug-model. */
  readonly models: readonly string[];
  /** The first thousand. */
  readonly failures: readonly Failure[];
}

/**
 * `results/<key>` in `to` is the body of the answer, created once; `failures/<key>.json` says why there is none.
 *
 * @throws GlowplugError STORE_UNAVAILABLE, STORE_FORBIDDEN; what was done by then is not done again
 */
export async function transform(options: TransformOptions): Promise<Manifest> {
  const { from, to, concurrency, onProgress, signal, before = async () => true } = options;
  const keys = await listed(from, '');
  const [answered, failed] = [new Set(await listed(to, results)), new Set(await listed(to, failures))];
  const models = new Set<string>();
  const told: Failure[] = [];
  const earlier: string[] = [];
  const count = { total: keys.length, skipped: 0, done: 0, failed: 0 };

  const left: string[] = [];
  for (const key of keys) {
    if (answered.has(resultKey(key))) count.skipped++;
    else if (failed.has(failureKey(key)) && !options.retryFailed) earlier.push(key);
    else left.push(key);
  }
  count.failed = earlier.length;
  onProgress?.({ ...count });
  const goOn = left.length === 0 || (await before({ objects: left.length, measure }));
  if (goOn) await eachOf(left, concurrency, one);
  await eachOf(earlier.slice(0, Math.max(0, mostTold - told.length)), concurrency, tellEarlier);
  const manifest = { from: from.name, ...count, models: [...models].sort(), failures: told.slice(0, mostTold) };
  await replace(to, 'manifest.json', `${JSON.stringify(manifest, null, 2)}\n`, signal);
  return manifest;

  async function tellEarlier(key: string): Promise<void> {
    const found = await to.get(failureKey(key));
    if (found) told.push(JSON.parse(Buffer.from(await readAll(found.body, mostFailureBytes, key)).toString()));
  }

  async function measure(): Promise<number | undefined> {
    const times: number[] = [];
    for (const key of left.splice(0, 3)) {
      const start = performance.now();
      if (await one(key)) times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b)[times.length >> 1];
  }

  async function one(key: string): Promise<boolean> {
    const answered = await answerOne(key);
    onProgress?.({ ...count });
    return answered;
  }

  async function answerOne(key: string): Promise<boolean> {
    const outcome = await answerFor(key, options);
    if (!outcome) {
      count.total--;
      return false;
    }
    if ('error' in outcome) {
      told.push(outcome);
      count.failed++;
      await replace(to, failureKey(key), JSON.stringify(outcome), signal);
      return false;
    }
    const ran = outcome.headers.get('x-glowplug-model');
    if (ran) models.add(ran);
    await createOnce(to, resultKey(key), outcome.body, signal);
    if (failed.has(failureKey(key))) await to.delete(failureKey(key));
    count.done++;
    return true;
  }
}

const tries = 6;
const mostTold = 1000;
/** Of failures/<key>.json, whose error is shortened; a key may be 1 KB. */
const mostFailureBytes = 16_384;

/** Undefined when the object has gone meanwhile. */
async function answerFor(key: string, options: TransformOptions): Promise<Asked | Failure | undefined> {
  const { from, send, maxBytes = 100e6, signal, clock = systemClock, random = Math.random } = options;
  const found = await from.get(key, signal ? { signal } : {});
  if (!found) return undefined;
  if (found.size > maxBytes) {
    await found.body.cancel();
    return tooLarge(key, found.size, maxBytes);
  }
  const body = await readAll(found.body, maxBytes, key);
  try {
    const answer = await ask(() => send(key, body, signal), { clock, random, signal, tries });
    if (answer.status < 400) return answer;
    return refused(key, answer.status, answer.body);
  } catch (error) {
    signal?.throwIfAborted();
    return noAnswer(key, error);
  }
}

async function listed(store: Store, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  // S3's consoles make an empty object for a folder.
  for await (const key of store.list(prefix)) if (!key.endsWith('/')) keys.push(key);
  return keys;
}

/** Another run that answered first has the result. */
async function createOnce(store: Store, key: string, body: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  await store.put(key, body, { ifNoneMatch: '*' }, signal ? { signal } : {}).catch((error: unknown) => {
    if (!(error instanceof GlowplugError) || error.code !== 'STORE_CONFLICT') throw error;
  });
}

/** The last one who writes is right: it tells of the last run. */
async function replace(store: Store, key: string, text: string, signal: AbortSignal | undefined): Promise<void> {
  const there = await store.head(key);
  const condition = there ? ({ ifMatch: there.etag } as const) : ({ ifNoneMatch: '*' } as const);
  await store.put(key, Buffer.from(text), condition, signal ? { signal } : {});
}
