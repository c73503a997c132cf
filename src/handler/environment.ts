// What the functions of one process share: the lock file, the store, and the sessions within the memory budget.
import { readFile } from 'node:fs/promises';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Contract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { consoleLog, type Log } from '../core/log.ts';
import { SingleFlight } from '../core/single-flight.ts';
import { type HeldVersion, holdVersion } from '../models/hold.ts';
import { parseLock } from '../models/lock.ts';
import { openReader } from '../models/stores/open.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import type { Lock, LockedVersion } from '../models/version.ts';
import { type BatchedStats, type BatchOptions, batched, isBatched } from '../session/batched.ts';
import { budgetFor, residentBytes } from '../session/budget.ts';
import { type Lease, SessionPool, type Wanted } from '../session/pool.ts';
import type { Session, SessionFactory } from '../session/session.ts';
import { threadsFor } from '../session/threads.ts';
import type { OnBatched } from './given-host.ts';
import type { ModelHost } from './model.ts';

export class Environment implements ModelHost, AsyncDisposable {
  readonly #contract: Contract;
  readonly #createSession: SessionFactory;
  readonly clock: Clock;
  readonly log: Log;
  readonly #lock = new SingleFlight<Lock>();
  readonly #store = new SingleFlight<ReadableStore>();
  /** How many models answer with each version now. */
  readonly #answering = new Map<string, number>();
  readonly #onBatched: OnBatched;
  readonly #texts = new SingleFlight<string>();
  readonly #pool: SessionPool;
  #wantsRecycling = false;

  constructor(
    contract: Contract,
    createSession: SessionFactory,
    options: { clock?: Clock; log?: Log; onBatched?: OnBatched } = {},
  ) {
    this.#contract = contract;
    this.#createSession = createSession;
    this.clock = options.clock ?? systemClock;
    this.log = options.log ?? consoleLog;
    this.#onBatched = options.onBatched ?? (() => () => {});
    this.#pool = new SessionPool(budgetFor(contract.memoryMb, contract.workers));
  }

  get freezes(): boolean {
    return this.#contract.onLambda && this.#contract.workers === undefined;
  }

  /** True when closed sessions kept so much memory that a new version fits beside the running one no more. */
  get wantsRecycling(): boolean {
    return this.#wantsRecycling;
  }

  /** Bytes counted for sessions now. */
  get sessionBytes(): number {
    return this.#pool.bytes;
  }

  /** @throws GlowplugError LOCK_STALE when the lock file does not pin the reference */
  async locked(reference: string): Promise<LockedVersion> {
    const { lockFile } = this.#contract;
    const lock = await this.#lock.run(lockFile, () => readLock(lockFile));
    const version = Object.hasOwn(lock.models, reference) ? lock.models[reference] : undefined;
    if (version) return version;
    throw new GlowplugError(
      'LOCK_STALE',
      `expected ${reference} in ${lockFile}, found ${Object.keys(lock.models).join(', ') || 'no model'}`,
    );
  }

  /** A text file of the version, read once. */
  async text(version: LockedVersion, file: string): Promise<string> {
    return await this.#texts.run(`${version.digest} ${file}`, async () => {
      await using held = await this.#hold(version);
      const path = held.paths[file];
      if (path) return await readFile(path, 'utf8');
      const names = Object.keys(version.files).join(', ');
      throw new GlowplugError('CONFIG_INVALID', `expected a file of ${version.model}: ${names}; got ${file}`);
    });
  }

  /** The right to run the version's session once, opened if need be; everyone who runs it with `batch` shares its runs. */
  async lease(version: LockedVersion, signal?: AbortSignal, batch?: BatchOptions): Promise<Lease> {
    return await this.#pool.lease(this.#want(version, batch), signal);
  }

  async leaseBeside(version: LockedVersion, batch?: BatchOptions): Promise<Lease> {
    const wanted = this.#want(version, batch);
    try {
      return await this.#pool.leaseBeside(wanted, (key) => !this.#answering.has(digestIn(key)));
    } catch (error) {
      if (!(error instanceof GlowplugError) || error.code !== 'MEMORY_BUDGET') throw error;
      if (!this.#wantsRecycling && this.#pool.fitsWithoutKept(wanted)) {
        this.#wantsRecycling = true;
        this.log.warn('this environment wants to be recycled: closed sessions kept the room for a new version', {
          keptMb: Math.round(this.#pool.keptBytes / 1e6),
        });
      }
      throw error;
    }
  }

  batching(version: LockedVersion, batch: BatchOptions | undefined): BatchedStats | undefined {
    const session = this.#pool.peek(sessionKey(version, batch));
    return session && isBatched(session) ? session.stats : undefined;
  }

  replace(from: LockedVersion | undefined, to: LockedVersion): void {
    this.#answering.set(to.digest, (this.#answering.get(to.digest) ?? 0) + 1);
    if (!from) return;
    const left = (this.#answering.get(from.digest) ?? 1) - 1;
    if (left > 0) this.#answering.set(from.digest, left);
    else this.#answering.delete(from.digest);
  }

  async store(): Promise<ReadableStore> {
    return await this.#store.run(this.#contract.store, () => openReader(this.#contract));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }

  #want(version: LockedVersion, batch: BatchOptions | undefined): Wanted {
    return {
      key: sessionKey(version, batch),
      estimate: residentBytes(version.files['model.onnx']?.size ?? 0),
      open: async () => {
        const held = await this.#hold(version);
        try {
          const path = held.paths['model.onnx'] ?? '';
          const threads = threadsFor(this.#contract.memoryMb);
          const session = holding(held, await this.#createSession(path, { threads }));
          return batch ? await inBatches(session, batch, (stats) => this.#onBatched(version.model, stats)) : session;
        } catch (error) {
          await held[Symbol.asyncDispose]();
          throw error;
        }
      },
    };
  }

  async #hold(version: LockedVersion): Promise<HeldVersion> {
    return await holdVersion(await this.store(), version, this.#contract);
  }
}

/** A session is batched in one way: who asks for another gets a session of its own. */
function sessionKey({ digest }: LockedVersion, batch: BatchOptions | undefined): string {
  return batch ? `${digest} ${JSON.stringify(batch)}` : digest;
}

function digestIn(key: string): string {
  return key.split(' ', 1)[0] ?? key;
}

/** The session; its files are let go when it closes. */
function holding(held: HeldVersion, session: Session): Session {
  return {
    signature: session.signature,
    bytes: session.bytes,
    run: (feeds, options) => session.run(feeds, options),
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await held[Symbol.asyncDispose]();
    },
  };
}

async function inBatches(
  session: Session,
  options: BatchOptions,
  opened: (stats: () => BatchedStats) => () => void,
): Promise<Session> {
  try {
    // The batcher owns the session and closes it last: by then nothing runs that could still be counted.
    const closed: { tell?: () => void } = {};
    const told: Session = {
      ...session,
      async [Symbol.asyncDispose]() {
        closed.tell?.();
        await session[Symbol.asyncDispose]();
      },
    };
    const joined = batched(told, options);
    closed.tell = opened(() => joined.stats);
    return joined;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

async function readLock(path: string): Promise<Lock> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new GlowplugError('LOCK_STALE', `expected the lock file at ${path}, it cannot be read`, { cause });
  }
  return parseLock(text);
}
