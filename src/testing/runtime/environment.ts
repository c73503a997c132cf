// One execution environment: a sandbox with its own /tmp, and in it a runtime that is initialised, handed one
// invocation at a time, frozen in between, and started anew after it failed, as Lambda does.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Invocation } from '../invocation.ts';
import { type Delivery, deliver, takeWithin } from './deliver.ts';
import type { EnvironmentOptions, ExecutionEnvironment, Invoked } from './execution-environment.ts';
import type { LogStream } from './function-log.ts';
import type { FunctionSpec } from './function-spec.ts';
import type { Mailbox } from './mailbox.ts';
import { residentMb } from './memory.ts';
import {
  type Answer,
  type Failure,
  toAnswer,
  toFailure,
  toOutcome,
  toStreamAnswer,
  toStreamedOutcome,
} from './outcome.ts';
import { type PlatformLog, platformLog } from './platform-log.ts';
import type { ResponseStream } from './response-stream.ts';
import { RuntimeProcess, type RuntimeSignal } from './runtime-process.ts';
import { sourceMapped } from './source-mapped.ts';
import { StorageWatch } from './storage-watch.ts';

/** Lambda's limit of the init phase; what is not done by then is done again within the first invocation. */
const initLimitMs = 10_000;

interface Begun {
  readonly kind: 'stream';
  readonly stream: ResponseStream;
  readonly signals: Mailbox<RuntimeSignal>;
}

export class Environment implements ExecutionEnvironment {
  readonly capacity = 1;
  readonly #options: EnvironmentOptions;
  readonly #log: LogStream;
  readonly #storage: StorageWatch;
  readonly #platform: PlatformLog;
  readonly #logStream: string;
  /** undefined before the first init and after a failure: the next invocation then begins with an init. */
  #runtime: RuntimeProcess | undefined;
  /** Of an init that no invocation has reported yet. */
  #initMs: number | undefined;
  #maxMb = 0;
  #ended = false;

  constructor(options: EnvironmentOptions) {
    this.#options = options;
    this.#logStream = logStreamName(options.spec);
    this.#log = options.log.stream(this.#logStream, sourceMapped(options.spec.codeFolder));
    this.#storage = new StorageWatch(options, () => this.kill());
    this.#platform = platformLog(options.spec);
  }

  get isWarm(): boolean {
    return this.#runtime?.isAlive ?? false;
  }

  /** The init phase. Whatever comes of it, the environment may be handed an invocation afterwards. */
  async init(): Promise<void> {
    const started = performance.now();
    const { spec, initLimitMs: limitMs = initLimitMs } = this.#options;
    const failure = await this.#start(spec.debug ? spec.timeoutMs : limitMs);
    const initMs = performance.now() - started;
    if (failure) this.#log.append(this.#platform.initReport(initMs, 'init', failure));
    else this.#initMs = initMs;
  }

  /**
   * Answers as soon as the function has, or begins to where the invocation takes a stream; `free` settles once the next
   * invocation may come, which is when the runtime asks for it.
   */
  async invoke(invocation: Invocation, diesAfterMs?: number): Promise<Invoked> {
    const { spec } = this.#options;
    const requestId = invocation.requestId ?? randomUUID();
    const started = performance.now();
    const leftMs = () => Math.max(0, spec.timeoutMs - (performance.now() - started));
    this.#log.startTail();
    this.#log.append(this.#platform.start(requestId));
    const result = await this.#run({ invocation, requestId, leftMs, diesAfterMs });
    if (result.kind !== 'stream') {
      const { logTail, free } = await this.#finish(result, requestId, started);
      return { outcome: toOutcome(result, requestId, logTail), free };
    }
    const finished = this.#streamed(result.signals, leftMs).then(async (end) => ({
      end,
      ...(await this.#finish(end, requestId, started)),
    }));
    const { contentType, chunks, drain } = result.stream;
    const ended = finished.then(({ end, logTail }) => toStreamedOutcome(end, requestId, logTail));
    return {
      outcome: { kind: 'stream', requestId, contentType, chunks, drain, ended },
      free: finished.then(({ free }) => free),
    };
  }

  /** Ends the runtime and removes the sandbox; never rejects. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#stop();
    // What cannot be removed goes with the cloud's folder, or at its next start.
    await rm(this.#options.folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
  }

  async kill(): Promise<void> {
    await this.#runtime?.kill();
  }

  /** Called by the fleet while it is at work. */
  checkMemory(): void {
    this.#storage.look();
    const runtime = this.#runtime;
    if (!runtime?.pid || !runtime.isAlive) return;
    const now = residentMb(runtime.pid, 'now');
    if (now === undefined) return;
    this.#maxMb = Math.max(this.#maxMb, now);
    if (now > this.#options.spec.memoryMb) runtime.ranOutOfMemory();
  }

  async #run(delivery: Delivery): Promise<Answer | Failure | Begun> {
    const { spec } = this.#options;
    const { leftMs } = delivery;
    if (!this.isWarm) {
      const started = performance.now();
      const failure = await this.#start(leftMs());
      if (failure) {
        this.#log.append(this.#platform.initReport(performance.now() - started, 'invoke', failure));
        return failure.kind === 'timeout' ? toFailure({ kind: 'timeout' }, spec.timeoutMs) : failure;
      }
    }
    const runtime = this.#runtime;
    if (!runtime) return toFailure({ kind: 'exit', code: null, signal: 'SIGKILL' }, spec.timeoutMs);
    const signals = deliver(runtime, delivery, this.#options);
    const signal = await takeWithin(signals, leftMs());
    if (signal.kind === 'stream') return { kind: 'stream', stream: signal.stream, signals };
    return toAnswer(signal) ?? toFailure(signal, spec.timeoutMs);
  }

  /** How a stream that has begun ends. */
  async #streamed(signals: Mailbox<RuntimeSignal>, leftMs: () => number): Promise<Answer | Failure> {
    const { timeoutMs } = this.#options.spec;
    const signal = await takeWithin(signals, leftMs());
    if (signal.kind !== 'stream-end') return toFailure(signal, timeoutMs);
    if (signal.end.kind !== 'cut') return toStreamAnswer(signal.end);
    // Its connection broke: most likely because the process has ended, which is heard a moment later.
    const cause = await takeWithin(signals, Math.min(cutMs, leftMs()));
    return cause.kind === 'timeout' ? toStreamAnswer(signal.end) : toFailure(cause, timeoutMs);
  }

  async #finish(
    result: Answer | Failure,
    requestId: string,
    started: number,
  ): Promise<{ logTail: string; free: Promise<void> }> {
    const { timeoutMs, memoryMb } = this.#options.spec;
    const durationMs = result.kind === 'timeout' ? timeoutMs : performance.now() - started;
    // What the function wrote before it answered lies in its pipes: one whole turn of the event loop brings it in.
    await setImmediate();
    await setImmediate();
    const maxMemoryUsedMb = this.#peakMb();
    const failure = 'reported' in result ? result : undefined;
    this.#runtime?.over(requestId);
    if (failure) await this.#stop();
    this.#log.endLine();
    this.#log.append(this.#platform.end(requestId, failure));
    this.#log.append(
      this.#platform.report({ requestId, durationMs, memoryMb, maxMemoryUsedMb, initMs: this.#initMs, failure }),
    );
    this.#initMs = undefined;
    const leftMs = Math.max(0, timeoutMs - (performance.now() - started));
    return { logTail: this.#log.tail(), free: failure ? Promise.resolve() : this.#settle(leftMs) };
  }

  /** A new runtime, ready for an invocation; or why there is none. */
  async #start(limitMs: number): Promise<Failure | undefined> {
    await this.#stop();
    const { folder, spec, where, client, reaper } = this.#options;
    const tmp = join(folder, 'tmp');
    await mkdir(tmp, { recursive: true });
    const runtime = await RuntimeProcess.start({
      spec,
      where,
      tmp,
      logStream: this.#logStream,
      client,
      reaper,
      onOutput: (chunk) => this.#log.append(chunk),
    });
    this.#runtime = runtime;
    const signal: RuntimeSignal = this.#ended
      ? { kind: 'exit', code: null, signal: 'SIGKILL' }
      : await takeWithin(runtime.signals, limitMs);
    if (signal.kind === 'next') return undefined;
    await setImmediate();
    await this.#stop();
    return toFailure(signal, limitMs);
  }

  /** Waits until the runtime asks for its next invocation; it has what is left of the timeout. */
  async #settle(leftMs: number): Promise<void> {
    const runtime = this.#runtime;
    if (!runtime) return;
    const signal = await takeWithin(runtime.signals, leftMs);
    if (signal.kind !== 'next') await this.#stop();
  }

  /** Stops the process until the next invocation; only while it waits for an event. */
  freeze(): void {
    if (!this.#options.spec.debug) this.#runtime?.freeze();
  }

  async #stop(): Promise<void> {
    const runtime = this.#runtime;
    this.#runtime = undefined;
    await runtime?.kill();
  }

  /** Of a process that has ended, what was seen of it. */
  #peakMb(): number {
    const pid = this.#runtime?.pid;
    const peak = pid === undefined ? undefined : residentMb(pid, 'peak');
    this.#maxMb = Math.max(this.#maxMb, peak ?? 0);
    return this.#maxMb;
  }
}

/** Time for the end of a process to be heard after its connections broke. */
const cutMs = 200;

export function logStreamName({ version = '$LATEST' }: FunctionSpec): string {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/');
  return `${day}/[${version}]${randomBytes(16).toString('hex')}`;
}
