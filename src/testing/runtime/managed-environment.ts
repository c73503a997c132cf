// One execution environment of Lambda Managed Instances: many requests at once in the runtime client's worker threads,
// never frozen. A timeout is its request's alone: the others go on, and so does the code that was late.
// Source: AWS Lambda Developer Guide, "Understanding the Lambda Managed Instances execution environment".
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Invocation } from '../invocation.ts';
import { deliver, takeWithin } from './deliver.ts';
import { logStreamName } from './environment.ts';
import type { EnvironmentOptions, ExecutionEnvironment, Invoked } from './execution-environment.ts';
import type { LogStream } from './function-log.ts';
import type { ManagedInstances } from './function-spec.ts';
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
import { RuntimeProcess, type RuntimeSignal } from './runtime-process.ts';
import { sourceMapped } from './source-mapped.ts';
import { StorageWatch } from './storage-watch.ts';

/** Lambda's limit of the init phase here, where the function's timeout is no longer. */
const initLimitMs = 130_000;

export class ManagedEnvironment implements ExecutionEnvironment {
  readonly capacity: number;
  readonly #options: EnvironmentOptions;
  /** Of the process; and of the platform, whose lines must not fall into a line of a request's. */
  readonly #log: LogStream;
  readonly #storage: StorageWatch;
  readonly #platformLines: LogStream;
  readonly #platform: PlatformLog;
  readonly #logStream: string;
  #starting: Promise<RuntimeProcess | Failure> | undefined;
  #runtime: RuntimeProcess | undefined;
  #initMs: number | undefined;
  #maxMb = 0;
  #ended = false;

  constructor(options: EnvironmentOptions, { maxConcurrency }: ManagedInstances) {
    this.capacity = maxConcurrency;
    this.#options = options;
    this.#platform = platformLog({ ...options.spec, log: { format: 'JSON' } });
    this.#logStream = logStreamName(options.spec);
    this.#log = options.log.stream(this.#logStream, sourceMapped(options.spec.codeFolder));
    this.#storage = new StorageWatch(options, () => this.kill());
    this.#platformLines = options.log.stream(this.#logStream);
  }

  /** The init phase is over when one worker waits for a request. */
  async init(): Promise<void> {
    await this.#ready();
  }

  async invoke(invocation: Invocation, diesAfterMs?: number): Promise<Invoked> {
    const { spec } = this.#options;
    const requestId = invocation.requestId ?? randomUUID();
    const started = performance.now();
    const leftMs = () => Math.max(0, spec.timeoutMs - (performance.now() - started));
    const runtime = await this.#ready();
    this.#platformLines.append(this.#platform.start(requestId));
    if (!(runtime instanceof RuntimeProcess)) {
      await this.#report(runtime, requestId, started);
      return { outcome: toOutcome(runtime, requestId, ''), free: Promise.resolve() };
    }
    const signals = deliver(runtime, { invocation, requestId, leftMs, diesAfterMs }, this.#options);
    const over = async (end: Answer | Failure) => {
      runtime.over(requestId);
      await this.#report(end, requestId, started);
    };
    const signal = await takeWithin(signals, leftMs());
    if (signal.kind !== 'stream') {
      const result = toAnswer(signal) ?? toFailure(signal, spec.timeoutMs);
      await over(result);
      return { outcome: toOutcome(result, requestId, ''), free: Promise.resolve() };
    }
    const finished = takeWithin(signals, leftMs()).then(async (last) => {
      const end = last.kind === 'stream-end' ? toStreamAnswer(last.end) : toFailure(last, spec.timeoutMs);
      await over(end);
      return toStreamedOutcome(end, requestId, '');
    });
    const { contentType, chunks, drain } = signal.stream;
    return {
      outcome: { kind: 'stream', requestId, contentType, chunks, drain, ended: finished },
      free: finished.then(() => {}),
    };
  }

  freeze(): void {} // It goes on.

  checkMemory(): void {
    this.#storage.look();
    const runtime = this.#runtime;
    const now = runtime?.pid === undefined ? undefined : residentMb(runtime.pid, 'now');
    if (!runtime || now === undefined) return;
    this.#maxMb = Math.max(this.#maxMb, now);
    if (now <= this.#options.spec.memoryMb) return;
    runtime.ranOutOfMemory();
    void runtime.kill();
  }

  async kill(): Promise<void> {
    await this.#runtime?.kill();
  }

  async end(): Promise<void> {
    this.#ended = true;
    const starting = await this.#starting;
    if (starting instanceof RuntimeProcess) await starting.kill();
    await this.#runtime?.kill();
    await rm(this.#options.folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
  }

  /** The running process; where there is none, one start for all who ask. */
  #ready(): Promise<RuntimeProcess | Failure> {
    if (this.#runtime?.isAlive) return Promise.resolve(this.#runtime);
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<RuntimeProcess | Failure> {
    const { folder, spec, where, client, reaper } = this.#options;
    const tmp = join(folder, 'tmp');
    await mkdir(tmp, { recursive: true });
    const started = performance.now();
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
    if (this.#ended) await runtime.kill();
    const limitMs = this.#options.initLimitMs ?? Math.max(initLimitMs, spec.timeoutMs);
    const failure = await this.#initialised(runtime, limitMs);
    const initMs = performance.now() - started;
    if (!failure) {
      this.#initMs = initMs;
      void this.#watch(runtime);
      return runtime;
    }
    await runtime.kill();
    this.#platformLines.append(this.#platform.initReport(initMs, 'init', failure));
    return failure;
  }

  /** One worker whose init failed is no failure yet: another may be ready. The first error tells why none is. */
  async #initialised(runtime: RuntimeProcess, limitMs: number): Promise<Failure | undefined> {
    const until = performance.now() + limitMs;
    let first: Failure | undefined;
    for (;;) {
      const signal = await takeWithin(runtime.signals, Math.max(0, until - performance.now()));
      if (signal.kind === 'next') return undefined;
      if (signal.kind !== 'init-error') return first ?? toFailure(signal, limitMs);
      first ??= toFailure(signal, limitMs);
    }
  }

  /** Its workers go on asking for events; that they do is of no interest any more, and must not pile up. */
  async #watch(runtime: RuntimeProcess): Promise<void> {
    let signal: RuntimeSignal;
    do signal = await runtime.signals.take();
    while (signal.kind !== 'exit');
  }

  async #report(result: Answer | Failure, requestId: string, started: number): Promise<void> {
    const { timeoutMs, memoryMb } = this.#options.spec;
    const durationMs = result.kind === 'timeout' ? timeoutMs : performance.now() - started;
    // What the function wrote before it answered lies in its pipes.
    await setImmediate();
    await setImmediate();
    const pid = this.#runtime?.pid;
    this.#maxMb = Math.max(this.#maxMb, pid === undefined ? 0 : (residentMb(pid, 'peak') ?? 0));
    const failure = 'reported' in result ? result : undefined;
    this.#platformLines.append(
      this.#platform.report({
        requestId,
        durationMs,
        memoryMb,
        maxMemoryUsedMb: this.#maxMb,
        initMs: this.#initMs,
        failure,
      }),
    );
    this.#initMs = undefined;
  }
}
