// Who is not let in, and why: said at once, with what the caller can do.
import { GlowplugError } from '../core/errors.ts';
import { type Bucket, type Priority, priorities, type Queue, type Waiter } from './queue.ts';
import type { BatcherOptions, Rows } from './work.ts';

/** The reason why these rows are not let in; undefined lets them in. */
export function refusal<W extends Waiter>(
  rows: Rows<unknown>,
  bucket: Bucket<W>,
  waiting: Queue<W>,
  options: BatcherOptions,
  now: number,
): unknown {
  if (rows.signal?.aborted) return rows.signal.reason;
  if (!Number.isSafeInteger(rows.rows) || rows.rows < 1) {
    return new GlowplugError('INTERNAL', `expected at least one row to batch, got ${rows.rows}`);
  }
  const { batch, queue, runsAtOnce } = options;
  const row = rows.bytes / rows.rows;
  if (row > batch.bytes) return tooLarge(`rows of at most ${batch.bytes} bytes`, `one of ${row}`);
  if (rows.rows > queue.rows) return tooLarge(`at most ${queue.rows} rows`, `${rows.rows}`);
  if (rows.bytes > queue.bytes) return tooLarge(`at most ${queue.bytes} bytes`, `${rows.bytes}`);
  if (waiting.rows + rows.rows > queue.rows || waiting.bytes + rows.bytes > queue.bytes) {
    const seconds = Math.max(1, Math.ceil(backlogMs(waiting, runsAtOnce) / 1000));
    return new GlowplugError('QUEUE_FULL', `${waiting.rows} rows of ${waiting.bytes} bytes wait already`, {
      headers: { 'retry-after': `${seconds}` },
    });
  }
  if (rows.deadline === undefined) return undefined;
  const ready = now + backlogMs(waiting, runsAtOnce, rows.priority ?? 'normal') + (bucket.pace.time(rows.rows) ?? 0);
  return ready > rows.deadline ? late() : undefined;
}

export function shuttingDown(): GlowplugError {
  return new GlowplugError('SHUTTING_DOWN', 'the batcher was closed before these rows were answered');
}

export function late(): GlowplugError {
  return new GlowplugError(
    'DEADLINE',
    'what waits and runs before these rows leaves no time to answer by the deadline',
  );
}

/**
 * Milliseconds until all that wait with this priority or a higher one have run, at each bucket's speed: what is not known
 * yet counts nothing.
 */
function backlogMs<W extends Waiter>({ buckets }: Queue<W>, runsAtOnce = 1, priority: Priority = 'low'): number {
  let ms = 0;
  for (const { rowsAt, pace } of buckets.values()) {
    const rows = rowsAt.slice(priorities.indexOf(priority)).reduce((sum, count) => sum + count, 0);
    if (rows === 0) continue;
    const size = Math.min(rows, pace.size(rows));
    ms += ((pace.time(size) ?? 0) / size) * rows;
  }
  return ms / runsAtOnce;
}

function tooLarge(expected: string, got: string): GlowplugError {
  return new GlowplugError('INPUT_TOO_LARGE', `expected ${expected} to batch, got ${got}`);
}
