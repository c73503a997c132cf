// One function of the local cloud: its environments, and the requests that wait for one.
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { GlowplugError } from '../../core/errors.ts';
import type { Invocation, Outcome, StreamOutcome } from '../invocation.ts';
import type { ExecutionEnvironment } from './execution-environment.ts';
import type { FunctionLog } from './function-log.ts';
import type { FunctionSpec } from './function-spec.ts';
import { platformError } from './platform-lines.ts';

/** Bytes of a request's payload: 6 MB. */
export const requestLimit = 6 * 1024 * 1024;

/** What a function asks of the fleet that it belongs to. */
export interface Host {
  /** True when the account's concurrency is used up. */
  isFull(): boolean;
  /** Requests wait or environments came free: look whether to start one. */
  pump(): void;
  create(spec: FunctionSpec, log: FunctionLog): ExecutionEnvironment;
  /** A fault that a test asked for: milliseconds until the environment dies of this invocation. */
  diesAfterMs(functionName: string): number | undefined;
  /** What starting an environment takes here, by experience. */
  readonly bootMs: number;
}

interface Waiting {
  readonly invocation: Invocation;
  readonly since: number;
  readonly resolve: (outcome: Outcome | StreamOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export class LocalFunction {
  readonly spec: FunctionSpec;
  readonly log: FunctionLog;
  readonly #host: Host;
  /** With the requests that each can take now, and when it last came to be able to. */
  readonly #environments = new Map<ExecutionEnvironment, { free: number; since: number }>();
  #queue: Waiting[] = [];
  #booting = 0;
  #running = 0;
  #meanMs = 0;
  #lastTaken = 0;
  #stall: NodeJS.Timeout | undefined;
  #retired = false;
  #noted = false;
  /** Settles when a retired function's last environment has ended. */
  readonly #drained = Promise.withResolvers<void>();

  constructor(spec: FunctionSpec, log: FunctionLog, host: Host) {
    this.spec = spec;
    this.log = log;
    this.#host = host;
  }

  /** Environments that exist, being started ones included. */
  get live(): number {
    return this.#environments.size;
  }

  get inFlight(): number {
    return this.#running + this.#queue.length;
  }

  get isAtWork(): boolean {
    return this.#running + this.#booting > 0;
  }

  /** Since when the first in the queue waits. */
  get waitingSince(): number | undefined {
    return this.#queue[0]?.since;
  }

  readonly invoke = async (invocation: Invocation): Promise<Outcome> => {
    const outcome = await this.stream({ ...invocation, streams: false });
    if (outcome.kind === 'stream') throw new GlowplugError('INTERNAL', 'a stream came to who did not ask for one');
    return outcome;
  };

  /** For an invocation that `streams` the answer may come as a stream. */
  readonly stream = async (invocation: Invocation): Promise<Outcome | StreamOutcome> => {
    const bytes = invocation.payload.byteLength;
    if (bytes > requestLimit) return { kind: 'too-large', bytes };
    if (this.inFlight >= (this.spec.reservedConcurrency ?? Number.POSITIVE_INFINITY)) {
      return { kind: 'throttled', reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' };
    }
    if (this.#host.isFull()) return { kind: 'throttled', reason: 'ConcurrentInvocationLimitExceeded' };
    const { promise, resolve, reject } = Promise.withResolvers<Outcome | StreamOutcome>();
    const waiting = { invocation, since: performance.now(), resolve, reject };
    this.#queue.push(waiting);
    invocation.signal?.addEventListener('abort', () => this.#abandon(waiting), { once: true });
    if (invocation.signal?.aborted) this.#abandon(waiting);
    this.#dispatch();
    return promise;
  };

  /**
   * Whether one more environment would help those who wait. It would not when the ones that there are take them all
   * before it is up, with the time that its start takes from them; that guess counts only as long as the queue moves.
   */
  wantsEnvironment(now: number): boolean {
    if (this.#retired || this.#queue.length <= this.#booting) return false;
    if (this.spec.debug && this.live > 0) return false;
    if (this.live === 0 || this.live === this.#booting) return true;
    const bootMs = this.#host.bootMs;
    const places = (this.live - this.#booting) * (this.spec.managed?.maxConcurrency ?? 1);
    const expectedMs = ((this.#queue.length - this.#booting) * this.#meanMs) / places;
    const stalledMs = now - Math.max(this.#lastTaken, this.waitingSince ?? now);
    if (expectedMs >= 2 * bootMs || stalledMs >= bootMs) return true;
    this.#stall ??= setTimeout(
      () => {
        this.#stall = undefined;
        this.#host.pump();
      },
      bootMs - stalledMs + 1,
    );
    return false;
  }

  /** Starts an environment and gives it to who waits; never rejects. */
  async boot(): Promise<void> {
    const environment = this.#host.create(this.spec, this.log);
    this.#environments.set(environment, { free: 0, since: performance.now() });
    this.#booting++;
    try {
      await environment.init();
    } catch (error) {
      this.log.note(`the environment could not be started: ${error instanceof Error ? error.message : error}`);
    } finally {
      this.#booting--;
    }
    for (let place = 0; place < environment.capacity; place++) this.#release(environment);
  }

  /** Says once that requests wait here which on Lambda would not. */
  noteLimit(limit: number): void {
    if (this.#noted) return;
    this.#noted = true;
    this.log.note(`${limit} environments live, as many as this machine carries: further requests wait for one of them`);
  }

  checkMemory(): void {
    for (const environment of this.#environments.keys()) environment.checkMemory();
  }

  /** Kills all of its environments; how many. */
  async kill(): Promise<number> {
    const all = [...this.#environments.keys()];
    await Promise.all(all.map((environment) => environment.kill()));
    return all.length;
  }

  /** The longest idle environment that is free since before `before`, taken out to be ended. */
  takeIdle(before: number): ExecutionEnvironment | undefined {
    const [first] = this.#idle();
    if (!first || first.since > before) return undefined;
    this.#environments.delete(first.environment);
    return first.environment;
  }

  get idleSince(): number | undefined {
    return this.#idle()[0]?.since;
  }

  /**
   * A new version takes over: who waits goes there, who runs finishes here. Resolves when all its environments have
   * ended.
   */
  async retire(successor: LocalFunction | undefined): Promise<void> {
    this.#retired = true;
    clearTimeout(this.#stall);
    for (const waiting of this.#queue.splice(0)) {
      if (successor) successor.#queue.push(waiting);
      else waiting.reject(stopped());
    }
    if (successor) successor.#dispatch();
    await Promise.all(this.#idle().map(({ environment }) => this.#end(environment)));
    if (this.live > 0) await this.#drained.promise;
  }

  /** Ends everything at once: who runs is answered with an exit, who waits with an error. */
  async stop(): Promise<void> {
    this.#retired = true;
    clearTimeout(this.#stall);
    for (const waiting of this.#queue.splice(0)) waiting.reject(stopped());
    await Promise.all([...this.#environments.keys()].map((environment) => this.#end(environment)));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const environment = this.#lastUsed();
      if (!environment) break;
      this.#hand(environment);
    }
    this.#host.pump();
  }

  /** The one that was used last is used next, so that the others may be ended. */
  #lastUsed(): ExecutionEnvironment | undefined {
    const free = [...this.#environments].filter(([, { free }]) => free > 0);
    return free.sort(([, a], [, b]) => b.since - a.since)[0]?.[0];
  }

  /** Those that nobody uses, first who has waited longest. */
  #idle(): { readonly environment: ExecutionEnvironment; readonly since: number }[] {
    return [...this.#environments]
      .flatMap(([environment, { free, since }]) => (free === environment.capacity ? [{ environment, since }] : []))
      .sort((a, b) => a.since - b.since);
  }

  #release(environment: ExecutionEnvironment): void {
    const places = this.#environments.get(environment);
    if (!places) return;
    places.free++;
    places.since = performance.now();
    if (this.#queue.length > 0) this.#hand(environment);
    else if (places.free === environment.capacity) {
      if (this.#retired) void this.#end(environment);
      else environment.freeze();
    }
    this.#host.pump();
  }

  /** Gives the first in the queue to an environment that is free. */
  #hand(environment: ExecutionEnvironment): void {
    const places = this.#environments.get(environment);
    const waiting = this.#queue.shift();
    if (!waiting || !places) return;
    places.free--;
    this.#lastTaken = performance.now();
    this.#running++;
    void this.#run(environment, waiting).then(() => this.#release(environment));
  }

  async #run(environment: ExecutionEnvironment, { invocation, resolve }: Waiting): Promise<void> {
    const started = performance.now();
    let answered = false;
    try {
      const { outcome, free } = await environment.invoke(invocation, this.#host.diesAfterMs(this.spec.name));
      resolve(outcome);
      if (outcome.kind === 'stream') await outcome.ended;
      this.#running--;
      answered = true;
      await free;
      // Half of the mean is the newest: a model that was just loaded makes the first one slow.
      this.#meanMs = (this.#meanMs + performance.now() - started) / 2;
    } catch (error) {
      // A full disk, a missing package: nothing of the function's, and its caller must not wait.
      const message = error instanceof Error ? error.message : String(error);
      this.log.note(`the environment could not be started: ${message}`);
      const payload = platformError('Sandbox.StartFailed', message);
      resolve({ kind: 'error', requestId: randomUUID(), payload, functionError: 'Unhandled', logTail: '' });
      if (!answered) this.#running--;
    }
  }

  #abandon(waiting: Waiting): void {
    const index = this.#queue.indexOf(waiting);
    if (index === -1) return; // It runs: Lambda goes on, too.
    this.#queue.splice(index, 1);
    waiting.reject(waiting.invocation.signal?.reason);
  }

  async #end(environment: ExecutionEnvironment): Promise<void> {
    await environment.end();
    this.#environments.delete(environment);
    if (this.live === 0) this.#drained.resolve();
  }
}

function stopped(): GlowplugError {
  return new GlowplugError('INTERNAL', 'the local cloud was stopped before the function could answer');
}
