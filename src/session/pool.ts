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

interface Waiting {
  readonly wanted: Wanted;
  readonly admit: (entry: Entry) => void;
  readonly refuse: (error: unknown) => void;
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
  /** Who waits for room, in order of arrival. */
  readonly #line = new Set<Waiting>();
  /** Lent to nobody new: they go, once they come back, for the first in line. */
  #leaving: ReadonlySet<Entry> = new Set();
  #returned = Promise.withResolvers<void>();
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
      if (entry.leases === 0) {
        const released = this.#release(key, entry);
        this.#serveLine();
        return await released;
      }
      await this.#returned.promise;
    }
  }

  /** Whether only what released sessions kept stands in its way. */
  fitsWithoutKept({ estimate }: Wanted): boolean {
    return this.bytes - this.#kept + estimate <= this.#budget;
  }

  /**
   * Opens the session if need be and lends it. Waits while others hold what must go first: room is given in order of
   * arrival, and what must go for it is lent to nobody who came later.
   *
   * @throws GlowplugError MEMORY_BUDGET when the session alone is over the budget; whatever `open` throws.
   */
  async lease(wanted: Wanted, signal?: AbortSignal): Promise<Lease> {
    this.#mustBeOpen();
    const there = this.#entries.get(wanted.key);
    const free = there && !this.#leaving.has(there) ? this.#hold(there) : undefined;
    return await this.#lend(wanted, free ?? (await this.#admit(wanted, signal)));
  }

  /**
   * The same for a session that nobody waits for yet: it waits for no other, and closes only those that `mayClose` names.
   *
   * @throws GlowplugError MEMORY_BUDGET when there is no room beside the others; whatever `open` throws.
   */
  async leaseBeside(wanted: Wanted, mayClose: (key: string) => boolean): Promise<Lease> {
    this.#mustBeOpen();
    const there = this.#entries.get(wanted.key);
    return await this.#lend(wanted, there ? this.#hold(there) : this.#admitBeside(wanted, mayClose));
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
      if (entry.leases === 1 && this.#entries.get(wanted.key) === entry) this.#entries.delete(wanted.key);
      this.#return(entry);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { refuse } of this.#line) refuse(disposed());
    this.#line.clear();
    this.#signalReturn();
    const sessions = [...this.#entries.values()].flatMap((entry) => entry.session ?? []).reverse();
    this.#entries.clear();
    const results = await Promise.allSettled(sessions.map((session) => session[Symbol.asyncDispose]()));
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    if (errors.length > 0) throw new AggregateError(errors, 'sessions failed to close');
  }

  /** Counts as leased from the same turn in which it was found, so that nobody closes it in between. */
  #hold(entry: Entry): Entry {
    entry.leases++;
    return entry;
  }

  #mustBeOpen(): void {
    if (this.#closed)
      throw new GlowplugError('INTERNAL', 'expected an open pool of sessions, got one that is disposed');
  }

  #admitBeside(wanted: Wanted, mayClose: (key: string) => boolean): Entry {
    this.#evictFor(wanted.estimate, mayClose);
    if (this.bytes + wanted.estimate <= this.#budget) return this.#hold(this.#setAside(wanted));
    throw new GlowplugError(
      'MEMORY_BUDGET',
      `expected room for about ${megabytes(wanted.estimate)} MB beside ${megabytes(this.bytes)} MB of ${megabytes(this.#budget)} MB (${megabytes(this.#kept)} MB kept by closed sessions)`,
    );
  }

  #setAside({ key, estimate }: Pick<Wanted, 'key' | 'estimate'>): Entry {
    const entry: Entry = { bytes: estimate, leases: 0, session: undefined };
    this.#entries.set(key, entry);
    return entry;
  }

  async #admit(wanted: Wanted, signal?: AbortSignal): Promise<Entry> {
    if (wanted.estimate > this.#budget) {
      throw new GlowplugError(
        'MEMORY_BUDGET',
        `expected models of at most ${megabytes(this.#budget)} MB in memory, got one that needs about ${megabytes(wanted.estimate)} MB`,
        { remedy: `Give the function at least ${memoryFor(wanted.estimate)} MB of memory.` },
      );
    }
    signal?.throwIfAborted();
    const { promise, resolve: admit, reject: refuse } = Promise.withResolvers<Entry>();
    const waiting = { wanted, admit, refuse };
    const leave = () => {
      if (this.#line.delete(waiting)) refuse(signal?.reason);
      this.#serveLine();
    };
    signal?.addEventListener('abort', leave, { once: true });
    this.#line.add(waiting);
    this.#serveLine();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  /** Room for the first in line, then the next; everyone in line for the same session has it with them. */
  #serveLine(): void {
    this.#leaving = new Set();
    for (const { wanted } of this.#line) {
      const entry = this.#entries.get(wanted.key) ?? this.#makeRoom(wanted);
      if (!entry) return;
      for (const waiting of this.#line) {
        if (waiting.wanted.key !== wanted.key) continue;
        this.#line.delete(waiting);
        entry.leases++;
        waiting.admit(entry);
      }
    }
  }

  /** Set aside without an await between the two; undefined: those that must go first are still lent, and come back. */
  #makeRoom({ key, estimate }: Wanted): Entry | undefined {
    this.#evictFor(estimate);
    // What released sessions kept can never be freed: it may not lock out a model that alone would fit.
    const used = this.bytes - this.#kept;
    if (used === 0 || this.bytes + estimate <= this.#budget) return this.#setAside({ key, estimate });
    const leaving = new Set<Entry>();
    let over = this.bytes + estimate - this.#budget;
    for (const entry of this.#entries.values()) {
      if (over <= 0) break;
      leaving.add(entry);
      over -= entry.bytes;
    }
    this.#leaving = leaving;
    return undefined;
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
    await entry.session?.[Symbol.asyncDispose]();
  }

  #return(entry: Entry): void {
    entry.leases--;
    if (entry.leases === 0) this.#signalReturn();
  }

  #signalReturn(): void {
    this.#serveLine();
    this.#returned.resolve();
    this.#returned = Promise.withResolvers<void>();
  }
}

function disposed(): GlowplugError {
  return new GlowplugError('INTERNAL', 'the pool of sessions was disposed while a request waited for room');
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
