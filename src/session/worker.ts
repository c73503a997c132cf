// A session whose runs are in a thread of their own: onnxruntime's run blocks the thread that calls it.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Clock, systemClock } from '../core/clock.ts';
import { threadEnvironment } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import type { Signature } from '../core/signature.ts';
import type { Tensors } from '../tensor/tensor.ts';
import { checkFeeds } from './feeds.ts';
import type { Picked, RunOptions, Session, SessionOptions } from './session.ts';
import { type FromWorker, type ToWorker, toMove, unpackError, type WorkerStart } from './worker-messages.ts';

export interface WorkerOptions {
  /** A run that takes longer is stuck. @default 60,000 */
  readonly runLimitMs?: number;
  /**
   * Called once, after everybody who waited was answered. The thread cannot be ended any more (terminating it during a
   * run aborts the process): who hears this must end the process.
   */
  readonly onStuck?: (error: GlowplugError) => void;
  /** After each run that succeeded: how long it waited, and how long onnxruntime took. */
  readonly onRun?: (run: { readonly queueMs: number; readonly runMs: number }) => void;
  readonly clock?: Clock;
}

interface Waiting {
  readonly feeds: Tensors;
  readonly options: RunOptions;
  readonly since: number;
  readonly resolve: (outputs: Tensors) => void;
  readonly reject: (error: unknown) => void;
}

/** Runs posted at once: one alone leaves the thread idle between two messages (16,000 against 31,000 tiny runs a second). */
const WINDOW = 4;

/** @throws GlowplugError MODEL_INVALID, MODEL_UNSUPPORTED, DEPENDENCY_MISSING, SESSION_LOST */
export async function createWorkerSession(
  modelPath: string,
  options: SessionOptions,
  worker: WorkerOptions = {},
): Promise<Session> {
  const session = new WorkerSession({ modelPath, options }, worker);
  await session.open();
  return session;
}

class WorkerSession implements Session {
  signature: Signature = { inputs: {}, outputs: {} };
  bytes = 0;
  picked: Picked | undefined;
  readonly #start: WorkerStart;
  readonly #limitMs: number;
  readonly #options: WorkerOptions;
  readonly #clock: Clock;
  readonly #queue = new Set<Waiting>();
  readonly #posted = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #opening: Promise<void> | undefined;
  #exited: Promise<void> = Promise.resolve();
  #next = 0;
  /** The posted runs' first must have ended by then. */
  #deadline = 0;
  readonly #watch = new AbortController();
  #watching = false;
  #stuck: GlowplugError | undefined;
  #disposed: Promise<void> | undefined;
  #idle = Promise.withResolvers<void>();

  constructor(start: WorkerStart, options: WorkerOptions) {
    this.#start = start;
    this.#options = options;
    this.#limitMs = options.runLimitMs ?? 60_000;
    this.#clock = options.clock ?? systemClock;
  }

  /** Starts the thread, again when an earlier one has died. */
  open(): Promise<void> {
    this.#opening ??= this.#startThread().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async run(feeds: Tensors, options: RunOptions = {}): Promise<Tensors> {
    if (this.#stuck) throw this.#stuck;
    if (this.#disposed) throw new GlowplugError('SESSION_FAILED', 'expected an open session, this one is disposed');
    checkFeeds(this.signature, feeds);
    options.signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Tensors>();
    const waiting: Waiting = { feeds, options, since: this.#clock.now(), resolve, reject };
    this.#queue.add(waiting);
    const leave = () => {
      if (this.#queue.delete(waiting)) reject(options.signal?.reason);
      this.#settle();
    };
    options.signal?.addEventListener('abort', leave, { once: true });
    this.#pump();
    try {
      return await promise;
    } finally {
      options.signal?.removeEventListener('abort', leave);
    }
  }

  /** Waits for the runs that were asked for before. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#close();
    return this.#disposed;
  }

  async #startThread(): Promise<void> {
    const file = new URL(`./worker-thread${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(file, { workerData: this.#start, env: { ...threadEnvironment() } });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let fault: unknown;
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'open') {
        this.signature = message.signature;
        this.bytes = message.bytes;
        this.picked = message.picked;
        this.#worker = worker;
        resolve();
      } else if (message.kind === 'refused') reject(unpackError(message.error));
      else this.#answered(message);
    });
    worker.on('error', (error) => {
      fault = error;
    });
    this.#exited = new Promise((exited) => {
      worker.on('exit', (code) => {
        const lost = new GlowplugError('SESSION_LOST', `the thread of the session ended with ${code}`, {
          cause: fault,
        });
        reject(lost);
        this.#lost(worker, lost);
        exited();
      });
    });
    await promise;
  }

  #pump(): void {
    if (this.#queue.size === 0) return;
    if (!this.#worker) {
      this.open().then(
        () => this.#pump(),
        (error: unknown) => this.#rejectAll(this.#queue, error),
      );
      return;
    }
    for (const waiting of this.#queue) {
      if (this.#posted.size >= WINDOW) return;
      this.#queue.delete(waiting);
      this.#post(this.#worker, waiting);
    }
  }

  #post(worker: Worker, waiting: Waiting): void {
    const id = this.#next++;
    try {
      const { moved, buffers } = toMove(waiting.feeds, waiting.options.transfer ?? false);
      worker.postMessage({ id, feeds: moved } satisfies ToWorker, buffers);
    } catch (cause) {
      waiting.reject(new GlowplugError('SESSION_FAILED', 'the feeds cannot be sent to the session', { cause }));
      return;
    }
    if (this.#posted.size === 0) this.#deadline = this.#clock.now() + this.#limitMs;
    this.#posted.set(id, waiting);
    if (!this.#watching) void this.#watchRuns();
  }

  #answered(message: Extract<FromWorker, { id: number }>): void {
    const waiting = this.#posted.get(message.id);
    if (!waiting) return; // Given up before: stuck.
    this.#posted.delete(message.id);
    const now = this.#clock.now();
    this.#deadline = now + this.#limitMs;
    if (message.kind === 'ran') {
      this.#options.onRun?.({ queueMs: Math.max(0, now - waiting.since - message.ms), runMs: message.ms });
      waiting.resolve(message.outputs);
    } else waiting.reject(unpackError(message.error));
    this.#pump();
    this.#settle();
  }

  /** Sleeps until the deadline, which each answer moves: not one timer a run. */
  async #watchRuns(): Promise<void> {
    this.#watching = true;
    while (this.#posted.size > 0 && !this.#stuck) {
      const left = this.#deadline - this.#clock.now();
      if (left <= 0) this.#giveUp();
      else if (await this.#clock.sleep(left, this.#watch.signal).catch(() => true)) break;
    }
    this.#watching = false;
  }

  #giveUp(): void {
    this.#stuck = new GlowplugError('SESSION_LOST', `expected a run of at most ${this.#limitMs} ms, it goes on`);
    this.#worker?.unref();
    this.#rejectAll(this.#queue, this.#stuck);
    this.#rejectAll(this.#posted, this.#stuck);
    this.#options.onStuck?.(this.#stuck);
  }

  #lost(worker: Worker, lost: GlowplugError): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#opening = undefined;
    this.#rejectAll(this.#posted, lost);
    this.#pump();
  }

  #rejectAll(group: Set<Waiting> | Map<number, Waiting>, error: unknown): void {
    const all = [...group.values()];
    group.clear();
    for (const waiting of all) waiting.reject(error);
    this.#settle();
  }

  #settle(): void {
    if (this.#queue.size + this.#posted.size === 0) this.#idle.resolve();
  }

  async #close(): Promise<void> {
    if (this.#queue.size + this.#posted.size > 0) {
      this.#idle = Promise.withResolvers<void>();
      await this.#idle.promise;
    }
    this.#watch.abort();
    if (this.#stuck) return;
    await this.#opening?.catch(() => {});
    this.#worker?.postMessage('close' satisfies ToWorker);
    await this.#exited;
  }
}
