// The sessions of one environment: opened once however many ask, leased for a run, and closed in order of last use
// when a new one would go over the memory budget.
import { GlowplugError } from '../core/errors.ts';
import { SingleFlight } from '../core/single-flight.ts';
import { memoryFor } from './budget.ts';
import type { Session } from './session.ts';

/** The right to run a session once; while it is held the session is not closed. */
export interface Lease extends Disposable {
  readonly session: Session;
}

/** What a caller asks for: who it is, what it may cost, how it is opened. */
export interface Wanted {
  /** The digest: never a name that moves. */
  readonly key: string;
  /** Bytes to set aside before it is open and says itself. */
  readonly estimate: number;
  open(): Promise<Session>;
}

interface Entry {
  bytes: number;
  leases: number;
  session: Session | undefined;
}

/** Releasing a session keeps part of its memory: 20 cycles of 50 MB left 130 MB, an eighth of each. */
const KEPT_AFTER_RELEASE = 0.125;
/** It does not grow without end: 120 cycles of one counted with 19.4 MB left 96 MB, the last 90 of them next to nothing. */
const KEPT_AT_MOST = 5;

export class SessionPool implements AsyncDisposable {
  readonly #budget: number;
  /** In order of last use: a Map keeps the order of insertion, and a lease inserts anew. */
  readonly #entries = new Map<string, Entry>();
  readonly #opening = new SingleFlight<Session>();
  #room = Promise.withResolvers<void>();
  #kept = 0;
  #largestReleased = 0;
  #closed = false;

  constructor(budgetBytes: number) {
    this.#budget = budgetBytes;
  }

  /** Bytes counted now: open sessions, ones being opened, and what released ones kept. */
  get bytes(): number {
    let sum = this.#kept;
    for (const entry of this.#entries.values()) sum += entry.bytes;
    return sum;
  }

  /** Bytes that released sessions kept: counted, and free again only when the process ends. */
  get keptBytes(): number {
    return this.#kept;
  }

  /** The session if it is open now; looking is no use of it. */
  peek(key: string): Session | undefined {
    return this.#entries.get(key)?.session;
  }

  /** Closes the session once nobody holds it. Nothing happens when it is not there. */
  async unload(key: string): Promise<void> {
    for (let entry = this.#entries.get(key); entry; entry = this.#entries.get(key)) {
      if (entry.leases === 0) return await this.#release(key, entry);
      await this.#room.promise;
    }
  }

  /** Whether only what released sessions kept stands in its way. */
  fitsWithoutKept({ estimate }: Wanted): boolean {
    return this.bytes - this.#kept + estimate <= this.#budget;
  }

  /**
   * Opens the session if need be and lends it. Waits while others hold what must go first.
   *
   * @throws GlowplugError MEMORY_BUDGET when the session alone is over the budget; whatever `open` throws.
   */
  async lease(wanted: Wanted, signal?: AbortSignal): Promise<Lease> {
    this.#mustBeOpen();
    return await this.#lend(wanted, this.#hold(this.#entries.get(wanted.key)) ?? (await this.#admit(wanted, signal)));
  }

  /**
   * The same for a session that nobody waits for yet: it waits for no other, and closes only those that `mayClose` names.
   *
   * @throws GlowplugError MEMORY_BUDGET when there is no room beside the others; whatever `open` throws.
   */
  async leaseBeside(wanted: Wanted, mayClose: (key: string) => boolean): Promise<Lease> {
    this.#mustBeOpen();
    return await this.#lend(wanted, this.#hold(this.#entries.get(wanted.key)) ?? this.#admitBeside(wanted, mayClose));
  }

  async #lend(wanted: Wanted, entry: Entry): Promise<Lease> {
    this.#entries.delete(wanted.key);
    this.#entries.set(wanted.key, entry);
    try {
      const session = await this.#opening.run(wanted.key, () => wanted.open());
      entry.session = session;
      entry.bytes = session.bytes;
      return { session, [Symbol.dispose]: once(() => this.#return(entry)) };
    } catch (error) {
      this.#return(entry);
      if (entry.leases === 0 && this.#entries.get(wanted.key) === entry) this.#entries.delete(wanted.key);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#signalRoom();
    const sessions = [...this.#entries.values()].flatMap((entry) => entry.session ?? []).reverse();
    this.#entries.clear();
    const results = await Promise.allSettled(sessions.map((session) => session[Symbol.asyncDispose]()));
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    if (errors.length > 0) throw new AggregateError(errors, 'sessions failed to close');
  }

  /** Counts as leased from the same turn in which it was found, so that nobody closes it in between. */
  #hold(entry: Entry | undefined): Entry | undefined {
    if (entry) entry.leases++;
    return entry;
  }

  #mustBeOpen(): void {
    if (this.#closed)
      throw new GlowplugError('INTERNAL', 'expected an open pool of sessions, got one that is disposed');
  }

  #admitBeside(wanted: Wanted, mayClose: (key: string) => boolean): Entry {
    this.#evictFor(wanted.estimate, mayClose);
    if (this.bytes + wanted.estimate <= this.#budget) return this.#setAside(wanted);
    throw new GlowplugError(
      'MEMORY_BUDGET',
      `expected room for about ${megabytes(wanted.estimate)} MB beside ${megabytes(this.bytes)} MB of ${megabytes(this.#budget)} MB (${megabytes(this.#kept)} MB kept by closed sessions)`,
    );
  }

  #setAside(wanted: Wanted): Entry {
    const entry: Entry = { bytes: wanted.estimate, leases: 1, session: undefined };
    this.#entries.set(wanted.key, entry);
    return entry;
  }

  /** Makes room and sets it aside, without an await between the two. */
  async #admit(wanted: Wanted, signal?: AbortSignal): Promise<Entry> {
    if (wanted.estimate > this.#budget) {
      throw new GlowplugError(
        'MEMORY_BUDGET',
        `expected models of at most ${megabytes(this.#budget)} MB in memory, got one that needs about ${megabytes(wanted.estimate)} MB`,
        { remedy: `Give the function at least ${memoryFor(wanted.estimate)} MB of memory.` },
      );
    }
    for (;;) {
      signal?.throwIfAborted();
      if (this.#closed)
        throw new GlowplugError('INTERNAL', 'the pool of sessions was disposed while a request waited for room');
      const there = this.#hold(this.#entries.get(wanted.key));
      if (there) return there;
      this.#evictFor(wanted.estimate);
      // What released sessions kept can never be freed: it may not lock out a model that alone would fit.
      const used = this.bytes - this.#kept;
      if (used === 0 || this.bytes + wanted.estimate <= this.#budget) return this.#setAside(wanted);
      await this.#waitForRoom(signal);
    }
  }

  #evictFor(bytes: number, mayClose: (key: string) => boolean = () => true): void {
    for (const [key, entry] of this.#entries) {
      if (this.bytes + bytes <= this.#budget) return;
      if (entry.leases > 0 || !entry.session || !mayClose(key)) continue;
      // Nobody waits for it; a session that fails to close has nothing left to answer.
      this.#release(key, entry).then(undefined, () => {});
    }
  }

  async #release(key: string, entry: Entry): Promise<void> {
    this.#entries.delete(key);
    this.#opening.forget(key);
    this.#largestReleased = Math.max(this.#largestReleased, entry.bytes);
    this.#kept = Math.min(this.#kept + entry.bytes * KEPT_AFTER_RELEASE, this.#largestReleased * KEPT_AT_MOST);
    this.#signalRoom();
    await entry.session?.[Symbol.asyncDispose]();
  }

  #return(entry: Entry): void {
    entry.leases--;
    if (entry.leases === 0) this.#signalRoom();
  }

  #signalRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers<void>();
  }

  async #waitForRoom(signal?: AbortSignal): Promise<void> {
    if (!signal) return await this.#room.promise;
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([this.#room.promise, promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (!done) run();
    done = true;
  };
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1e6);
}
