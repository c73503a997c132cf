// A share of the requests is kept, as far as the function's owner named it. No answer waits for it, and none fails by it.
import { type Clock, systemClock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import type { HttpResponse } from '../core/light-http.ts';
import { consoleLog, type Log } from '../core/log.ts';
import { type CapturedRecord, type Feature, type Features, recordKey } from '../quality/record.ts';
import type { Context } from './context.ts';
import { onOtherSide } from './split.ts';

export interface CaptureOptions<I, O> {
  /** Of the requests, 0 to 100; which ones is decided by their ids. */
  readonly percent: number;
  /**
   * What is kept of a request: numbers, booleans, and texts, of which the first 200 characters are kept. Nothing else of it is:
   * leave out what nobody should read. Up to 64 names of as many characters; a number that is not finite is left out.
   */
  of(input: I, output: O): Features;
  /**
   * Milliseconds that an answer which is kept may wait until it is written. On default Lambda nothing runs after an answer: what is
   * not through by then goes on with the environment's next request, and is lost where none comes: with a request an hour, nearly all.
   * @default 0
   */
  readonly wait?: number;
}

/** Creates one object. Its key is below the function's own place. */
export type WriteRecord = (key: string, record: CapturedRecord) => Promise<void>;

const mostAtOnce = 64;
const mostNames = 64;
const mostCharacters = 200;

export class Capture {
  readonly #options: CaptureOptions<unknown, unknown>;
  readonly #write: WriteRecord;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #now: () => Date;
  readonly #seen = new WeakMap<Context, Features>();
  readonly #writes = new Set<Promise<void>>();
  #lost = 0;
  /** Of those that came while too many were under way. */
  #crowded = 0;
  #failed = '';

  /** @throws GlowplugError CONFIG_INVALID */
  constructor(
    options: CaptureOptions<unknown, unknown>,
    write: WriteRecord,
    {
      log = consoleLog,
      clock = systemClock,
      now = () => new Date(),
    }: { log?: Log; clock?: Clock; now?: () => Date } = {},
  ) {
    if (!(options.percent >= 0 && options.percent <= 100)) {
      throw new GlowplugError('CONFIG_INVALID', `capture: expected a percent from 0 to 100, got ${options.percent}`, {
        remedy: 'capture: { percent: 1, of: (input, output) => ({ … }) }',
      });
    }
    this.#options = options;
    this.#write = write;
    this.#log = log;
    this.#clock = clock;
    this.#now = now;
  }

  /** Between predict and encode. Never throws. */
  see(input: unknown, output: unknown, context: Context): void {
    const { percent, of } = this.#options;
    if (!onOtherSide('capture', context.requestId, percent)) return;
    try {
      this.#seen.set(context, tidy(of(input, output)));
    } catch (error) {
      this.#complain('capture.of threw; the request was answered', error);
    }
  }

  /** Of a request that was answered well. Its write begins before the answer goes, which may wait for it. Never rejects. */
  async answered(context: Context, response: HttpResponse): Promise<void> {
    const features = this.#seen.get(context);
    if (!features || !response.ok) return;
    if (this.#writes.size === mostAtOnce) {
      this.#crowded++;
      return;
    }
    const models = response.headers.get('x-glowplug-model');
    const { requestId } = context;
    const record = { requestId, at: this.#now().toISOString(), ...(models ? { models } : {}), features };
    const written = this.#keep(record).finally(() => {
      this.#writes.delete(written);
      this.#sayCrowded();
    });
    this.#writes.add(written);
    const { wait = 0 } = this.#options;
    if (wait > 0) await Promise.race([written, this.#clock.sleep(wait)]);
  }

  /** Resolves when nothing is under way. Never rejects. */
  async written(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }

  /** What cannot be written is lost and counted. */
  async #keep(record: CapturedRecord): Promise<void> {
    try {
      await this.#write(recordKey(record.requestId, new Date(record.at)), record);
      this.#failed = '';
    } catch (error) {
      this.#lost++;
      this.#complain('captured requests could not be written', error);
    }
  }

  /** When it is quiet again: one line for all of them. */
  #sayCrowded(): void {
    if (this.#writes.size > 0 || this.#crowded === 0) return;
    this.#log.warn('captured requests came faster than they could be written', { lost: this.#crowded });
    this.#crowded = 0;
  }

  /** Once until it is well again. */
  #complain(message: string, error: unknown): void {
    const code = error instanceof GlowplugError ? error.code : 'INTERNAL';
    if (this.#failed === code) return;
    this.#failed = code;
    this.#log.warn(message, { code, lost: this.#lost, error: String(error) });
  }
}

function tidy(features: Features): Features {
  const kept = Object.entries(features).flatMap(([name, value]): [string, Feature][] => {
    const tidied = tidyValue(value);
    return tidied === undefined ? [] : [[name.slice(0, mostCharacters), tidied]];
  });
  return Object.fromEntries(kept.slice(0, mostNames));
}

function tidyValue(value: Feature): Feature | undefined {
  if (typeof value === 'string') return value.slice(0, mostCharacters);
  return typeof value === 'boolean' || Number.isFinite(value) ? value : undefined;
}
