// Requests meet. Read it top to bottom:
//
//   add ─► queue ─► (a run is under way, or the window is open: others come) ─► form ─► run ─► everyone's own answer
//
// Generic and pure: what rows are, how they are joined and run is `Work`; time is the clock; size and window are the pace's.
import type { Clock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import type { TraceContext } from '../core/trace-context.ts';
import { Alarm } from './alarm.ts';
import type { Place } from './line.ts';
import { type Bucket, priorities, Queue, STEP_MS, type Waiter } from './queue.ts';
import { late, refusal, shuttingDown } from './refusal.ts';
import { type Outcome, runApart } from './run-apart.ts';
import type { BatcherOptions, BatcherStats, Part, Rows, Work } from './work.ts';

interface Waiting<I, O> extends Waiter {
  readonly rows: Rows<I>;
  readonly since: number;
  readonly answers: O[];
  /** Parts taken so far, and those of them without an answer. */
  parts: number;
  unanswered: number;
  resolve(answer: O): void;
  reject(error: unknown): void;
  onAbort: (() => void) | undefined;
}

interface Taken<I, O> extends Part<I> {
  readonly of: Waiting<I, O>;
  readonly at: number;
}

export class Batcher<I, O> implements AsyncDisposable {
  readonly #work: Work<I, O>;
  readonly #options: BatcherOptions;
  readonly #clock: Clock;
  readonly #queue: Queue<Waiting<I, O>>;
  /** Everyone without an answer, in a run or not. */
  readonly #open = new Set<Waiting<I, O>>();
  #running = 0;
  /** The next batch is being gathered. */
  #gathering = false;
  #window: { readonly bucket: Bucket<Waiting<I, O>>; readonly rows: number; readonly end: AbortController } | undefined;
  readonly #alarm: Alarm;
  #closed = false;
  #idle = Promise.withResolvers<void>();
  readonly #counts = { runs: 0, failedRuns: 0, rowsRun: 0, queueMs: 0, answered: 0, failed: 0, refused: 0 };
  readonly #sizes = new Map<number, { runs: number; ms: number }>();

  constructor(work: Work<I, O>, options: BatcherOptions, clock: Clock) {
    this.#work = work;
    this.#options = options;
    this.#clock = clock;
    this.#queue = new Queue(options.pace);
    this.#alarm = new Alarm(clock, () => this.#refuseLate());
  }

  /**
   * The answer to these rows, however many others ran with them.
   *
   * @throws GlowplugError QUEUE_FULL, DEADLINE, INPUT_TOO_LARGE, SHUTTING_DOWN; the signal's reason; what running them throws
   */
  add(rows: Rows<I>): Promise<O> {
    const bucket = this.#queue.bucket(rows.bucket ?? '');
    const refused = this.#closed
      ? shuttingDown()
      : refusal(rows, bucket, this.#queue, this.#options, this.#clock.now());
    if (refused !== undefined) {
      this.#counts.refused++;
      return Promise.reject(refused);
    }
    const { promise, resolve, reject } = Promise.withResolvers<O>();
    const level = priorities.indexOf(rows.priority ?? 'normal');
    const since = this.#clock.now();
    const waiting: Waiting<I, O> = {
      rows,
      bucket,
      level,
      since,
      rank: since - level * STEP_MS,
      bytesPerRow: rows.bytes / rows.rows,
      left: rows.rows,
      place: undefined as Place<Waiting<I, O>> | undefined,
      answers: [],
      parts: 0,
      unanswered: 0,
      resolve,
      reject,
      onAbort: undefined,
    };
    this.#open.add(waiting);
    this.#queue.push(waiting);
    const { signal, deadline } = rows;
    if (signal) {
      waiting.onAbort = () => this.#settle(waiting, { ok: false, error: signal.reason });
      signal.addEventListener('abort', waiting.onAbort, { once: true });
    }
    if (deadline !== undefined) this.#alarm.set(this.#latest(waiting));
    if (this.#window?.bucket === bucket && bucket.rows >= this.#window.rows) this.#window.end.abort();
    this.#wake();
    return promise;
  }

  get stats(): BatcherStats {
    const { answered, failed, refused, ...runs } = this.#counts;
    const buckets = [...this.#queue.buckets].map(([key, { pace }]) => [key, pace.chosen] as const);
    return {
      waitingRows: this.#queue.rows,
      waitingBytes: this.#queue.bytes,
      running: this.#running,
      ...runs,
      sizes: Object.fromEntries([...this.#sizes].map(([rows, seen]) => [rows, { ...seen }])),
      requests: { answered, failed, refused },
      buckets: Object.fromEntries(buckets),
    };
  }

  /**
   * Takes nobody new. `drain` answers all who wait; `refuse` refuses them at once, those in a run too, whose answers are
   * thrown away. Resolves when nothing runs any more.
   */
  async close(how: 'drain' | 'refuse'): Promise<void> {
    this.#closed = true;
    this.#window?.end.abort();
    if (how === 'refuse') {
      for (const waiting of this.#open) this.#settle(waiting, { ok: false, error: shuttingDown() });
    }
    if (this.#running > 0 || this.#open.size > 0) await this.#idle.promise;
  }

  /** Drains. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close('drain');
  }

  #wake(): void {
    if (this.#gathering || this.#running >= (this.#options.runsAtOnce ?? 1) || this.#queue.rows === 0) return;
    this.#gathering = true;
    void this.#gather();
  }

  /** Lets whoever is ready now come in, then whoever comes while the window is open, and runs them. Never rejects. */
  async #gather(): Promise<void> {
    await this.#pause(0);
    const bucket = this.#queue.next;
    if (bucket) await this.#openWindow(bucket);
    this.#gathering = false;
    const parts = bucket ? this.#form(bucket) : [];
    if (bucket && parts.length > 0) void this.#run(bucket, parts);
    // Whoever else waits: for a second run at once, or because this bucket's were all refused.
    this.#wake();
    this.#signalIdle();
  }

  async #openWindow(bucket: Bucket<Waiting<I, O>>): Promise<void> {
    const before = bucket.rows;
    const rows = bucket.pace.size(before);
    if (before >= rows || this.#closed) return;
    const ms = bucket.pace.window();
    if (ms <= 0) return;
    const end = new AbortController();
    this.#window = { bucket, rows, end };
    await this.#pause(ms, end.signal);
    this.#window = undefined;
    bucket.pace.waited(bucket.rows - before);
  }

  /** Who runs together: in order, whole, as long as they fit; the first may be more than fits and is split. */
  #form(bucket: Bucket<Waiting<I, O>>): Taken<I, O>[] {
    const now = this.#clock.now();
    const limits = this.#options.batch;
    const size = Math.min(bucket.pace.size(bucket.rows), limits.rows);
    const parts: Taken<I, O>[] = [];
    let [rows, bytes, latest] = [0, 0, Number.POSITIVE_INFINITY];
    for (let next = bucket.head; next; next = bucket.head) {
      const deadline = next.rows.deadline ?? Number.POSITIVE_INFINITY;
      if (this.#latest(next) < now) {
        this.#settle(next, { ok: false, error: late() });
        continue;
      }
      const first = parts.length === 0;
      const most = Math.min(limits.rows, next.bytesPerRow > 0 ? Math.floor(limits.bytes / next.bytesPerRow) : Infinity);
      const taken = first ? Math.min(next.left, most) : next.left;
      const fits = rows + taken <= size && bytes + taken * next.bytesPerRow <= limits.bytes;
      latest = Math.min(latest, deadline);
      const inTime = latest === Infinity || now + (bucket.pace.time(rows + taken) ?? 0) <= latest;
      if (!first && !(fits && inTime)) break;
      parts.push(this.#take(next, taken));
      rows += taken;
      bytes += taken * next.bytesPerRow;
    }
    return parts;
  }

  #take(waiting: Waiting<I, O>, rows: number): Taken<I, O> {
    const from = waiting.rows.rows - waiting.left;
    if (from === 0) this.#counts.queueMs += this.#clock.now() - waiting.since;
    this.#queue.take(waiting, rows);
    waiting.unanswered++;
    return { of: waiting, at: waiting.parts++, input: waiting.rows.input, from, to: from + rows };
  }

  async #run(bucket: Bucket<Waiting<I, O>>, parts: readonly Taken<I, O>[]): Promise<void> {
    this.#running++;
    await runApart(parts, {
      run: (some) => this.#runOnce(bucket, some),
      answer: ({ of, at }, outcome) => this.#answer(of, at, outcome),
      waits: ({ of }) => this.#open.has(of),
    });
    this.#running--;
    this.#wake();
    this.#signalIdle();
  }

  async #runOnce(bucket: Bucket<Waiting<I, O>>, parts: readonly Taken<I, O>[]): Promise<readonly O[]> {
    const start = this.#clock.now();
    this.#counts.runs++;
    try {
      const answers = await this.#work.run(parts);
      if (answers.length !== parts.length) {
        throw new GlowplugError('INTERNAL', `expected ${parts.length} answers of a batch, got ${answers.length}`);
      }
      const rows = parts.reduce((sum, { from, to }) => sum + to - from, 0);
      this.#counted(rows, this.#clock.now() - start);
      const by = spansOf(parts);
      for (const { of } of parts) of.rows.met?.({ rows, requests: parts.length, waitedMs: start - of.since, by });
      bucket.pace.ran(rows, this.#clock.now() - start);
      return answers;
    } catch (error) {
      this.#counts.failedRuns++;
      throw error;
    }
  }

  #counted(rows: number, ms: number): void {
    this.#counts.rowsRun += rows;
    const size = this.#sizes.get(rows) ?? { runs: 0, ms: 0 };
    this.#sizes.set(rows, { runs: size.runs + 1, ms: size.ms + ms });
  }

  #answer(waiting: Waiting<I, O>, at: number, outcome: Outcome<O>): void {
    if (!outcome.ok) {
      this.#settle(waiting, outcome);
      return;
    }
    waiting.answers[at] = outcome.value;
    waiting.unanswered--;
    if (waiting.left > 0 || waiting.unanswered > 0) return;
    try {
      this.#settle(waiting, {
        ok: true,
        value: waiting.parts === 1 ? outcome.value : this.#work.join(waiting.answers),
      });
    } catch (error) {
      this.#settle(waiting, { ok: false, error });
    }
  }

  /** The one place where a caller is answered: once, and rows that wait leave their line. */
  #settle(waiting: Waiting<I, O>, outcome: Outcome<O>): void {
    if (!this.#open.delete(waiting)) return;
    if (waiting.left > 0) this.#queue.take(waiting, waiting.left);
    if (waiting.onAbort) waiting.rows.signal?.removeEventListener('abort', waiting.onAbort);
    this.#counts[outcome.ok ? 'answered' : 'failed']++;
    if (outcome.ok) waiting.resolve(outcome.value);
    else waiting.reject(outcome.error);
    if (this.#open.size > 0) return;
    this.#alarm.off();
    this.#signalIdle();
  }

  /** When these rows must be in a run to be answered in time. */
  #latest({ rows, left, bucket }: Waiting<I, O>): number {
    if (rows.deadline === undefined) return Number.POSITIVE_INFINITY;
    return rows.deadline - (left > 0 ? (bucket.pace.time(left) ?? 0) : 0);
  }

  /** Refuses whoever is too late now; gives the time when to look again. */
  #refuseLate(): number {
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const waiting of this.#open) {
      const at = this.#latest(waiting);
      if (at <= now) this.#settle(waiting, { ok: false, error: late() });
      else next = Math.min(next, at);
    }
    return next;
  }

  /** A pause that an abort ends early. Never rejects. */
  async #pause(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(ms, signal).catch(() => {});
  }

  #signalIdle(): void {
    if (this.#closed && this.#running === 0 && this.#open.size === 0) this.#idle.resolve();
  }
}

/** Undefined where nobody traces, which is most of the time. */
function spansOf(parts: readonly Taken<unknown, unknown>[]): TraceContext[] | undefined {
  if (!parts.some(({ of }) => of.rows.by)) return undefined;
  return parts.flatMap(({ of }) => of.rows.by ?? []);
}
