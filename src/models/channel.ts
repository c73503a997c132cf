// The version that answers for one reference. A followed channel is looked up now and then; what it names is loaded
// beside the version that answers, and takes its place when it is ready. No request waits for any of it.
import type { Clock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Named } from './look-up.ts';
import type { Share } from './share.ts';
import type { Digest, LockedVersion } from './version.ts';

export interface ChannelOptions {
  readonly reference: string;
  /** What the lock file says. */
  readonly start: LockedVersion;
  /** True where `start` may answer before it is loaded: a request that needs it loads it. */
  readonly startAnswers: boolean;
  /** Shortest time between two looks; undefined where the channel is not followed. */
  readonly everyMs: number | undefined;
  lookUp(etag: string | undefined): Promise<Named | 'unchanged'>;
  /** Resolves when the version is verified, opened and warm. */
  load(digest: Digest): Promise<LockedVersion>;
  /** `to` answers from now on; requests that began with `from` finish with it. */
  moved(from: LockedVersion | undefined, to: LockedVersion): void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What could not be loaded is tried again after a minute, then two, four …, at most an hour: its bytes cost traffic. */
const firstPauseMs = 60_000;
const lastPauseMs = 3_600_000;

export class Channel {
  readonly #options: ChannelOptions;
  #current: LockedVersion | undefined;
  #target: Digest;
  #etag: string | undefined;
  #share: Share | undefined;
  #looked = Number.NEGATIVE_INFINITY;
  #refused: { readonly digest: Digest; readonly until: number; readonly pauseMs: number } | undefined;
  #said = '';
  #step: Promise<void> | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#target = options.start.digest;
    if (options.startAnswers) this.#current = options.start;
  }

  /** The version that answers now; undefined while the first one is not loaded. */
  get current(): LockedVersion | undefined {
    return this.#current;
  }

  /** Percent of the requests that a rollout gives the version that answers now; one that is still loading has none. */
  get share(): number {
    return this.#share && this.#share.digest === this.#current?.digest ? this.#share.percent : 0;
  }

  /** What was seen is from another time: the next refresh looks again, and tries again what was refused. */
  expire(): void {
    this.#looked = Number.NEGATIVE_INFINITY;
    this.#refused = undefined;
  }

  /** Looks and loads if it is time. Whoever asks while that goes on waits for the same. Never rejects. */
  async refresh(): Promise<void> {
    this.#step ??= this.#refresh().finally(() => {
      this.#step = undefined;
    });
    await this.#step;
  }

  async #refresh(): Promise<void> {
    const { clock, everyMs } = this.#options;
    if (everyMs !== undefined && clock.now() - this.#looked >= everyMs) {
      this.#looked = clock.now();
      if (!(await this.#look())) return;
    }
    if (this.#target === this.#current?.digest) return;
    if (this.#refused?.digest === this.#target && clock.now() < this.#refused.until) return;
    await this.#load(this.#target);
  }

  async #look(): Promise<boolean> {
    try {
      const named = await this.#options.lookUp(this.#etag);
      if (named !== 'unchanged') {
        this.#etag = named.etag;
        this.#target = named.digest;
        this.#share = named.share;
      }
      return true;
    } catch (error) {
      this.#complain('cannot be looked up', 'look', error);
      return false;
    }
  }

  async #load(digest: Digest): Promise<void> {
    const { reference, clock, log } = this.#options;
    try {
      const version = await this.#options.load(digest);
      const from = this.#current;
      this.#current = version;
      this.#refused = undefined;
      this.#said = '';
      this.#options.moved(from, version);
      if (from) log.info(`${reference} is another version now`, { from: named(from), to: named(version) });
    } catch (error) {
      const before = this.#refused?.digest === digest ? this.#refused.pauseMs * 2 : firstPauseMs;
      const pauseMs = Math.min(before, lastPauseMs);
      this.#refused = { digest, pauseMs, until: clock.now() + pauseMs };
      this.#complain(`names ${digest}, which cannot be loaded`, digest, error);
    }
  }

  /** Once for each thing that is wrong, not at every look. */
  #complain(what: string, about: string, error: unknown): void {
    const code = error instanceof GlowplugError ? error.code : 'INTERNAL';
    if (this.#said === `${about} ${code}`) return;
    this.#said = `${about} ${code}`;
    const { reference, log } = this.#options;
    const answers = this.#current ? named(this.#current) : 'none';
    log.warn(`${reference} ${what}`, { code, error: String(error), answers });
  }
}

/** Version and digest as a reference has them: `iris:1.4.0@sha256:…`. */
export function named({ model, version, digest }: LockedVersion): string {
  return `${model}:${version}@${digest}`;
}
