// What the functions of one process share: the lock file, the store, and the sessions within the memory budget.
import { readFile } from 'node:fs/promises';
import type { Contract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { SingleFlight } from '../core/single-flight.ts';
import { fetchVersion } from '../models/fetch.ts';
import { parseLock } from '../models/lock.ts';
import { openReader } from '../models/stores/open.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import type { FetchedVersion, Lock, LockedVersion } from '../models/version.ts';
import { type BatchOptions, batched } from '../session/batched.ts';
import { budgetFor, residentBytes } from '../session/budget.ts';
import { type Lease, SessionPool, type Wanted } from '../session/pool.ts';
import type { Session, SessionFactory } from '../session/session.ts';
import { threadsFor } from '../session/threads.ts';
import type { ModelHost } from './model.ts';

export class Environment implements ModelHost, AsyncDisposable {
  readonly #contract: Contract;
  readonly #createSession: SessionFactory;
  readonly #lock = new SingleFlight<Lock>();
  readonly #store = new SingleFlight<ReadableStore>();
  readonly #wanted = new Map<string, Wanted>();
  readonly #texts = new SingleFlight<string>();
  readonly #pool: SessionPool;

  constructor(contract: Contract, createSession: SessionFactory) {
    this.#contract = contract;
    this.#createSession = createSession;
    this.#pool = new SessionPool(budgetFor(contract.memoryMb));
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
  async text(reference: string, file: string): Promise<string> {
    const locked = await this.locked(reference);
    return await this.#texts.run(`${locked.digest} ${file}`, async () => {
      const path = (await this.#fetch(locked)).paths[file];
      if (path) return await readFile(path, 'utf8');
      const names = Object.keys(locked.files).join(', ');
      throw new GlowplugError('CONFIG_INVALID', `expected a file of ${reference}: ${names}; got ${file}`);
    });
  }

  /** The right to run the reference's session once, opened if need be; everyone who runs it with `batch` shares its runs. */
  async lease(reference: string, signal?: AbortSignal, batch?: BatchOptions): Promise<Lease> {
    const key = batch ? `${reference} ${JSON.stringify(batch)}` : reference;
    return await this.#pool.lease(this.#wanted.get(key) ?? (await this.#want(key, reference, batch)), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }

  async #want(key: string, reference: string, batch: BatchOptions | undefined): Promise<Wanted> {
    const locked = await this.locked(reference);
    const wanted: Wanted = {
      // A session is batched in one way: who asks for another gets a session of its own.
      key: batch ? `${locked.digest} ${JSON.stringify(batch)}` : locked.digest,
      estimate: residentBytes(locked.files['model.onnx']?.size ?? 0),
      open: async () => {
        const { paths } = await this.#fetch(locked);
        const threads = threadsFor(this.#contract.memoryMb);
        const session = await this.#createSession(paths['model.onnx'] ?? '', { threads });
        return batch ? await inBatches(session, batch) : session;
      },
    };
    this.#wanted.set(key, wanted);
    return wanted;
  }

  async #fetch(locked: LockedVersion): Promise<FetchedVersion> {
    const store = await this.#store.run(this.#contract.store, () => openReader(this.#contract));
    return await fetchVersion(store, locked, { cacheDir: this.#contract.cacheDir });
  }
}

async function inBatches(session: Session, options: BatchOptions): Promise<Session> {
  try {
    return batched(session, options);
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
