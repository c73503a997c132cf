// What the functions of one process share: the lock file, the store, and the sessions within the memory budget.
import { readFileSync } from 'node:fs';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Contract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { consoleLog, type Log } from '../core/log.ts';
import { once } from '../core/once.ts';
import { SingleFlight } from '../core/single-flight.ts';
import { fetchFile } from '../models/fetch.ts';
import { readLock } from '../models/read-lock.ts';
import { Sending } from '../models/sending.ts';
import { startForm } from '../models/start-form.ts';
import { openReader } from '../models/stores/open.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import { type Lock, type LockedVersion, weightsFile } from '../models/version.ts';
import type { BatchedSession, BatchedStats, BatchOptions } from '../session/batched.ts';
import { budgetFor, mappedBytes, residentBytes } from '../session/budget.ts';
import { cpuFeatures } from '../session/cpu-features.ts';
import { type Lease, SessionPool, type Wanted } from '../session/pool.ts';
import type { Prepared, Runtime, Session, SessionFactory } from '../session/session.ts';
import { threadsFor } from '../session/threads.ts';
import { ColdStart } from './cold-start.ts';
import type { OnBatched } from './given-host.ts';
import type { ModelHost } from './model.ts';
import { openModel } from './open-model.ts';

export interface EnvironmentOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  /** @default none is told of */
  readonly coldStart?: ColdStart;
  readonly onBatched?: OnBatched;
}

export class Environment implements ModelHost, AsyncDisposable {
  #contract: Contract;
  readonly clock: Clock;
  readonly log: Log;
  readonly #runtime: Runtime;
  readonly #prepared = new SingleFlight<Prepared>();
  readonly #coldStart: ColdStart;
  readonly #sending = new Sending();
  /** Versions that have run: the first run of each is part of the cold start. */
  readonly #ran = new Set<string>();
  readonly #lock = new SingleFlight<Lock>();
  readonly #store = new SingleFlight<ReadableStore>();
  /** How many models answer with each version now. */
  readonly #answering = new Map<string, number>();
  readonly #onBatched: OnBatched;
  readonly #texts = new SingleFlight<string>();
  readonly #pool: SessionPool;
  /** Of the processor on which they were first asked for: a snapshot is taken there, too. */
  readonly #features = once(cpuFeatures);
  #wantsRecycling = false;

  constructor(contract: Contract, runtime: Runtime, options: EnvironmentOptions = {}) {
    this.#contract = contract;
    this.#runtime = runtime;
    this.clock = options.clock ?? systemClock;
    this.log = options.log ?? consoleLog;
    this.#coldStart = options.coldStart ?? ColdStart.over();
    this.#onBatched = options.onBatched ?? (() => () => {});
    const { modelsMb, memoryMb, workers } = contract;
    this.#pool = new SessionPool(modelsMb === undefined ? budgetFor(memoryMb, workers) : modelsMb * 1e6);
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
    const read = () => this.#coldStart.record('resolve', {}, () => readLock(lockFile));
    const lock = await this.#lock.run(lockFile, read);
    const version = Object.hasOwn(lock.models, reference) ? lock.models[reference] : undefined;
    if (version) return version;
    throw new GlowplugError(
      'LOCK_STALE',
      `expected ${reference} in ${lockFile}, found ${Object.keys(lock.models).join(', ') || 'no model'}`,
    );
  }

  /** @throws GlowplugError SIGNATURE_INVALID, BELOW_FLOOR; CONFIG_INVALID for keys that cannot be read */
  async verify(version: LockedVersion): Promise<void> {
    const { trustedKeys } = this.#contract;
    if (trustedKeys === undefined) return;
    const { parseTrustedKeys, verifySigned } = await import('../models/verify-signed.ts');
    await verifySigned(await this.store(), version, parseTrustedKeys(trustedKeys));
  }

  /** A text file of the version, read once. */
  async text(version: LockedVersion, file: string): Promise<string> {
    return await this.#texts.run(`${versionKey(version)} ${file}`, async () => {
      if (Object.hasOwn(version.files, file)) {
        return readFileSync(await fetchFile(await this.store(), version, file, this.#contract), 'utf8');
      }
      const names = Object.keys(version.files).join(', ');
      throw new GlowplugError('CONFIG_INVALID', `expected a file of ${version.model}: ${names}; got ${file}`);
    });
  }

  /** The right to run the version's session once, opened if need be; everyone who runs it with `batch` shares its runs. */
  async lease(version: LockedVersion, signal?: AbortSignal, batch?: BatchOptions): Promise<Lease> {
    const lease = await this.#pool.lease(this.#want(version, batch), signal);
    return this.#coldStart.isOver ? lease : this.#recorded(lease, version);
  }

  #recorded(lease: Lease, version: LockedVersion): Lease {
    const { signature, bytes } = lease.session;
    const run: Session['run'] = async (feeds, options) => {
      const running = () => lease.session.run(feeds, options);
      if (this.#ran.has(versionKey(version))) return await running();
      this.#ran.add(versionKey(version));
      return await this.#coldStart.record('run', { model: version.model }, running);
    };
    const session = { signature, bytes, run, [Symbol.asyncDispose]: () => lease.session[Symbol.asyncDispose]() };
    return { session, [Symbol.dispose]: () => lease[Symbol.dispose]() };
  }

  async leaseBeside(version: LockedVersion, batch?: BatchOptions): Promise<Lease> {
    const wanted = this.#want(version, batch);
    try {
      return await this.#pool.leaseBeside(wanted, (key) => !this.#answering.has(versionIn(key)));
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

  isOpen(version: LockedVersion, batch?: BatchOptions): boolean {
    return this.#pool.peek(sessionKey(version, batch)) !== undefined;
  }

  async unload(version: LockedVersion, batch?: BatchOptions): Promise<void> {
    await this.#pool.unload(sessionKey(version, batch));
  }

  replace(from: LockedVersion | undefined, to: LockedVersion): void {
    const key = versionKey(to);
    this.#answering.set(key, (this.#answering.get(key) ?? 0) + 1);
    if (!from) return;
    const before = versionKey(from);
    const left = (this.#answering.get(before) ?? 1) - 1;
    if (left > 0) this.#answering.set(before, left);
    else this.#answering.delete(before);
  }

  /** Resolves when the models that were asked for so far travel: what blocks the process may begin. */
  async asked(): Promise<void> {
    await this.#sending.all();
  }

  async store(): Promise<ReadableStore> {
    return await this.#store.run(this.#contract.store, () => openReader(this.#contract));
  }

  /** Everything is let go that would be dead, or known to too many, in who is made of the snapshot. */
  beforeSnapshot(): void {
    this.#features();
    this.#forgetStore();
  }

  /**
   * Credentials and connections are new from here on. Answers what this processor lacks of what the snapshot's had: with the
   * kernels that onnxruntime chose then, no session can run here, nor can this process choose others.
   */
  afterRestore(contract: Contract, features = cpuFeatures()): readonly string[] {
    this.#forgetStore();
    this.#contract = contract;
    return [...this.#features()].filter((feature) => !features.has(feature));
  }

  #forgetStore(): void {
    this.#store.forget(this.#contract.store);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }

  #want(version: LockedVersion, batch: BatchOptions | undefined): Wanted {
    const form = this.#formOf(version);
    const { 'model.onnx': graph, [weightsFile]: weights } = form.files;
    const weightBytes = this.#runtime.prepare ? mappedBytes : residentBytes;
    const bytes = residentBytes(graph?.size ?? 0) + weightBytes(weights?.size ?? 0);
    // In one thread a second run would wait for the first.
    const runs = this.#runtime.prepare ? 1 : (batch?.runs ?? 1);
    return {
      key: sessionKey(version, batch),
      estimate: runs * bytes,
      open: async () => {
        const session = await openModel(await this.store(), form, {
          ...this.#contract,
          threads: threadsFor(this.#contract.memoryMb),
          sending: this.#sending,
          coldStart: this.#coldStart,
          runtime: runs > 1 ? { create: severalTimes(this.#runtime.create, runs) } : this.#runtime,
          prepare: () => this.#prepare(),
          optimized: form !== version,
        });
        if (!batch) return session;
        const { inBatches } = await meeting();
        return await inBatches(session, { ...batch, runs }, (stats) => this.#onBatched(version.model, stats));
      },
    };
  }

  /** Who stays packs, and optimises for itself; a read-only folder has the version's own files. */
  #formOf(version: LockedVersion): LockedVersion {
    const startsCold = this.#runtime.prepare !== undefined && this.#contract.modelsDir === undefined;
    return startsCold ? startForm(version, this.#features) : version;
  }

  async #prepare(): Promise<Prepared> {
    const { cacheDir } = this.#contract;
    const { prepare } = this.#runtime;
    if (!prepare) return { followsWrites: false };
    return await this.#prepared.run(cacheDir, () => this.#coldStart.record('runtime', {}, () => prepare(cacheDir)));
  }
}

/** A session is batched in one way: who asks for another gets a session of its own. */
function sessionKey(version: LockedVersion, batch: BatchOptions | undefined): string {
  return batch ? `${versionKey(version)} ${JSON.stringify(batch)}` : versionKey(version);
}

/** The digest of a version is that of all its variants. */
function versionKey({ digest, variant }: LockedVersion): string {
  return variant === undefined ? digest : `${digest}#${variant}`;
}

function versionIn(key: string): string {
  return key.split(' ', 1)[0] ?? key;
}

/** For models whose requests meet: most functions have none. */
const meeting = () => import('./meeting.ts');

function severalTimes(create: SessionFactory, runs: number): SessionFactory {
  return async (modelPath, options) => await (await meeting()).severalAtOnce(create, runs)(modelPath, options);
}

function isBatched(session: Session): session is BatchedSession {
  return 'stats' in session;
}
