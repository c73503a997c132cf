// What the functions of one process share: the lock file, the store, and the sessions within the memory budget.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Contract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { SingleFlight } from '../core/single-flight.ts';
import { fetchFile } from '../models/fetch.ts';
import { parseLock } from '../models/lock.ts';
import { Sending } from '../models/sending.ts';
import { openReader } from '../models/stores/open.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import { type Lock, type LockedVersion, weightsFile } from '../models/version.ts';
import { budgetFor, mappedBytes, residentBytes } from '../session/budget.ts';
import { type Lease, SessionPool, type Wanted } from '../session/pool.ts';
import type { Runtime } from '../session/session.ts';
import { threadsFor } from '../session/threads.ts';
import type { Tensors } from '../tensor/tensor.ts';
import type { ColdStart } from './cold-start.ts';
import type { ModelHost } from './model.ts';
import { openModel } from './open-model.ts';

export class Environment implements ModelHost, AsyncDisposable {
  readonly coldStart: ColdStart;
  readonly #contract: Contract;
  readonly #runtime: Runtime;
  readonly #prepared = new SingleFlight<{ readonly followsWrites: boolean }>();
  readonly #sending = new Sending();
  readonly #ran = new Set<string>();
  readonly #lock = new SingleFlight<Lock>();
  readonly #store = new SingleFlight<ReadableStore>();
  readonly #wanted = new Map<string, Wanted>();
  readonly #texts = new SingleFlight<string>();
  readonly #pool: SessionPool;

  constructor(contract: Contract, runtime: Runtime, coldStart: ColdStart) {
    this.coldStart = coldStart;
    this.#contract = contract;
    this.#runtime = runtime;
    this.#pool = new SessionPool(budgetFor(contract.memoryMb));
  }

  /** @throws GlowplugError LOCK_STALE when the lock file does not pin the reference */
  async locked(reference: string): Promise<LockedVersion> {
    const { lockFile } = this.#contract;
    const read = () => this.coldStart.record('lock', {}, () => readLock(lockFile));
    const lock = await this.#lock.run(lockFile, read);
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
      if (Object.hasOwn(locked.files, file)) {
        return await readFile(await fetchFile(await this.#openStore(), locked, file, this.#contract), 'utf8');
      }
      const names = Object.keys(locked.files).join(', ');
      throw new GlowplugError('CONFIG_INVALID', `expected a file of ${reference}: ${names}; got ${file}`);
    });
  }

  /** The right to run the reference's session once, opened if need be. */
  async lease(reference: string, signal?: AbortSignal): Promise<Lease> {
    const lease = await this.#pool.lease(this.#wanted.get(reference) ?? (await this.#want(reference)), signal);
    return this.coldStart.isOver ? lease : this.#recorded(lease, reference);
  }

  /** Resolves when the models that were asked for so far travel: what blocks the process may begin. */
  async asked(): Promise<void> {
    await this.#sending.all();
  }

  /** The first run of each model is part of the cold start. */
  #recorded(lease: Lease, reference: string): Lease {
    const run = async (feeds: Tensors) => {
      if (this.#ran.has(reference)) return await lease.session.run(feeds);
      this.#ran.add(reference);
      return await this.coldStart.record('run', { model: reference }, () => lease.session.run(feeds));
    };
    const session = Object.create(lease.session, { run: { value: run } });
    return { session, [Symbol.dispose]: () => lease[Symbol.dispose]() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }

  async #want(reference: string): Promise<Wanted> {
    const locked = await this.locked(reference);
    const { 'model.onnx': graph, [weightsFile]: weights } = locked.files;
    const wanted: Wanted = {
      key: locked.digest,
      estimate: residentBytes(graph?.size ?? 0) + mappedBytes(weights?.size ?? 0),
      open: async () => {
        const { cacheDir, memoryMb } = this.#contract;
        return await openModel(await this.#openStore(), locked, {
          cacheDir,
          threads: threadsFor(memoryMb),
          sending: this.#sending,
          coldStart: this.coldStart,
          runtime: this.#runtime,
          prepare: () => this.#prepare(cacheDir),
        });
      },
    };
    this.#wanted.set(reference, wanted);
    return wanted;
  }

  async #prepare(cacheDir: string): Promise<{ readonly followsWrites: boolean }> {
    const prepare = () => this.#runtime.prepare(cacheDir);
    return await this.#prepared.run(cacheDir, () => this.coldStart.record('runtime', {}, prepare));
  }

  async #openStore(): Promise<ReadableStore> {
    return await this.#store.run(this.#contract.store, () => openReader(this.#contract));
  }
}

async function readLock(path: string): Promise<Lock> {
  let text: string;
  try {
    // A few KB, once, before anything else can be done: a trip to the thread pool would take longer.
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new GlowplugError('LOCK_STALE', `expected the lock file at ${path}, it cannot be read`, { cause });
  }
  return parseLock(text);
}
