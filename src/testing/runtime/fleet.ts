// All environments of a local cloud: who may start when, how many there may be, and who has been idle for too long.
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Environment } from './environment.ts';
import type { EnvironmentOptions, ExecutionEnvironment } from './execution-environment.ts';
import { FunctionLog } from './function-log.ts';
import type { CloudIdentity, FunctionSpec } from './function-spec.ts';
import { type Host, LocalFunction } from './local-function.ts';
import { locateClient, type RuntimeClient } from './locate-client.ts';
import { ManagedEnvironment } from './managed-environment.ts';
import type { Reaper } from './reaper.ts';

export interface FleetOptions {
  readonly folder: string;
  /** Ends what lives when we are killed. It is the caller's, and outlives the fleet. */
  readonly reaper: Reaper;
  readonly where: CloudIdentity;
  readonly idleMs?: number;
  readonly initLimitMs?: number;
  /** Environments that may live at once; by default what this machine can carry. */
  readonly limit?: number;
  /** Milliseconds until an environment dies of the invocation that it is handed; undefined: it lives. */
  readonly diesAfterMs?: (functionName: string) => number | undefined;
  /** Every line of every function's log, and the environment that wrote it. */
  readonly onLine?: ((functionName: string, line: string, environment: string) => void) | undefined;
}

/** Lambda's default concurrency of an account. */
const accountConcurrency = 1000;
/** Lambda ends idle environments after minutes; it does not say how many. */
const defaultIdleMs = 5 * 60_000;
/** A spike between two looks goes unseen: the memory limit is approximate. */
const memoryPollMs = 100;
const cores = availableParallelism();
/** More boots at once than this only make each other slow. */
const bootLimit = 2 * cores;
/** Four a core, as long as they find 256 MB each in half of the memory; more requests at once wait for one of them. */
const machineLimit = Math.max(2, Math.min(4 * cores, Math.floor(totalmem() / 2 / (256 * 2 ** 20))));

export class Fleet implements Host, AsyncDisposable {
  readonly limit: number;
  readonly #options: FleetOptions;
  readonly #client: RuntimeClient;
  readonly #functions = new Set<LocalFunction>();
  readonly #sweeper: NodeJS.Timeout;
  #memoryPoll: NodeJS.Timeout | undefined;
  #booting = 0;
  #pumping = false;
  /** Half a second until the first has shown. */
  bootMs = 500;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.limit = options.limit ?? machineLimit;
    mkdirSync(options.folder, { recursive: true });
    rmSync(join(options.folder, 'environments'), { recursive: true, force: true }); // Of a cloud that was killed.
    this.#client = locateClient(options.folder);
    const idleMs = options.idleMs ?? defaultIdleMs;
    this.#sweeper = setInterval(() => this.#endIdle(performance.now() - idleMs), Math.max(20, idleMs / 10)).unref();
  }

  /** @param log of the version before */
  add(spec: FunctionSpec, log = this.#newLog(spec.name)): LocalFunction {
    const added = new LocalFunction(spec, log, this);
    this.#functions.add(added);
    return added;
  }

  /** Lets `old` finish what it runs; who waits there goes to `successor`, else is answered with an error. */
  async retire(old: LocalFunction, successor?: LocalFunction): Promise<void> {
    await old.retire(successor);
    this.#functions.delete(old);
  }

  isFull(): boolean {
    return this.#sum((each) => each.inFlight) >= accountConcurrency;
  }

  diesAfterMs(functionName: string): number | undefined {
    return this.#options.diesAfterMs?.(functionName);
  }

  create(spec: FunctionSpec, log: FunctionLog): ExecutionEnvironment {
    const { where, initLimitMs, folder, reaper } = this.#options;
    const options: EnvironmentOptions = {
      spec,
      where,
      log,
      folder: join(folder, 'environments', randomUUID()),
      client: this.#client,
      reaper,
      ...(initLimitMs === undefined ? {} : { initLimitMs }),
    };
    return spec.managed ? new ManagedEnvironment(options, spec.managed) : new Environment(options);
  }

  /** Starts what helps and fits, those first who have waited longest. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      this.#pollMemory();
      while (this.#booting < bootLimit) {
        const now = performance.now();
        const next = [...this.#functions]
          .filter((each) => each.wantsEnvironment(now) && this.#hasRoomFor(each))
          .sort((a, b) => (a.waitingSince ?? now) - (b.waitingSince ?? now))[0];
        if (!next) break;
        this.#boot(next);
      }
    } finally {
      this.#pumping = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
    clearInterval(this.#memoryPoll);
    await Promise.all([...this.#functions].map((each) => each.stop()));
    this.#functions.clear();
    rmSync(join(this.#options.folder, 'environments'), { recursive: true, force: true });
  }

  #newLog(name: string): FunctionLog {
    const { onLine } = this.#options;
    return new FunctionLog(onLine && ((...line) => onLine(name, ...line)));
  }

  #boot(which: LocalFunction): void {
    const started = performance.now();
    this.#booting++;
    void which.boot().then(() => {
      this.#booting--;
      this.bootMs = (this.bootMs + performance.now() - started) / 2;
      this.pump();
    });
  }

  /** At the limit an idle environment of another function makes room; a function's first one always has room. */
  #hasRoomFor(which: LocalFunction): boolean {
    if (this.#sum((each) => each.live) < this.limit || which.live === 0) return true;
    const victim = [...this.#functions]
      .filter((each) => each !== which && each.idleSince !== undefined)
      .sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0))[0];
    const environment = victim?.takeIdle(Number.POSITIVE_INFINITY);
    void environment?.end();
    if (!environment) which.noteLimit(this.limit);
    return environment !== undefined;
  }

  #endIdle(before: number): void {
    for (const each of this.#functions) {
      for (let idle = each.takeIdle(before); idle; idle = each.takeIdle(before)) void idle.end();
    }
  }

  #pollMemory(): void {
    this.#memoryPoll ??= setInterval(() => {
      const atWork = [...this.#functions].filter((each) => each.isAtWork);
      for (const each of atWork) each.checkMemory();
      if (atWork.length > 0) return;
      clearInterval(this.#memoryPoll);
      this.#memoryPoll = undefined;
    }, memoryPollMs).unref();
  }

  #sum(count: (each: LocalFunction) => number): number {
    let sum = 0;
    for (const each of this.#functions) sum += count(each);
    return sum;
  }
}
