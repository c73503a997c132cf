// The batcher's promises under random schedules: who comes when with what, which runs fail, who leaves, how it closes.
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Batcher } from '../../src/batch/batcher.ts';
import { fixedPace, selfTuned } from '../../src/batch/pace.ts';
import { priorities } from '../../src/batch/queue.ts';
import type { Part } from '../../src/batch/work.ts';
import { GlowplugError } from '../../src/core/errors.ts';
import { handClock } from '../hand-clock.ts';
import { runs } from '../runs.ts';

const SCHEDULES = runs(1000);
const END = 1e6;

/** One time in `times`, else undefined. */
function seldom<T>(times: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
}

const caller = fc.record({
  at: fc.integer({ min: 0, max: 120 }),
  rows: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { weight: 1, arbitrary: fc.integer({ min: 5, max: 40 }) },
  ),
  bytesPerRow: fc.integer({ min: 0, max: 12 }),
  bucket: fc.constantFrom('x', 'y', 'z'),
  priority: fc.constantFrom(...priorities),
  /** The row that fails every run it is in. */
  badRow: seldom(10, fc.integer({ min: 0, max: 3 })),
  deadlineIn: seldom(3, fc.integer({ min: 1, max: 400 })),
  leavesIn: seldom(6, fc.integer({ min: 0, max: 200 })),
});

const schedule = fc.record({
  callers: fc.array(caller, { minLength: 1, maxLength: 40, size: 'max' }),
  batch: fc.record({ rows: fc.integer({ min: 1, max: 16 }), bytes: fc.integer({ min: 8, max: 80 }) }),
  queue: fc.record({ rows: fc.integer({ min: 8, max: 400 }), bytes: fc.integer({ min: 100, max: 4000 }) }),
  pace: fc.oneof(
    fc.record({ size: fc.integer({ min: 1, max: 20 }), window: fc.integer({ min: 0, max: 30 }) }),
    fc.record({ p95: fc.integer({ min: 1, max: 200 }) }),
  ),
  runsAtOnce: fc.integer({ min: 1, max: 3 }),
  fixedMs: fc.integer({ min: 0, max: 20 }),
  rowMs: fc.integer({ min: 0, max: 5 }),
  /** Runs that fail though nobody in them is at fault, and runs that never end. */
  flaky: seldom(4, fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 5 })),
  hanging: seldom(6, fc.integer({ min: 0, max: 40 })),
  closes: fc.record({ at: fc.integer({ min: 0, max: 2000 }), how: fc.constantFrom('drain', 'refuse') }),
});

type Schedule = typeof schedule extends fc.Arbitrary<infer S> ? S : never;
interface Caller {
  readonly id: number;
  readonly given: Schedule['callers'][number];
}
type Outcome =
  | { readonly value: readonly string[]; readonly at: number }
  | { readonly error: unknown; readonly at: number };

const seen = {
  schedules: 0,
  requests: 0,
  answered: 0,
  runs: 0,
  failedRuns: 0,
  refused: 0,
  cancelled: 0,
  late: 0,
  bad: 0,
};

describe('batcher under random schedules', () => {
  it('gives every row exactly one answer, its own; keeps its limits; hangs nobody', {
    timeout: 1_800_000,
  }, async () => {
    await fc.assert(fc.asyncProperty(schedule, hold), { numRuns: SCHEDULES });
  });

  afterAll(() => {
    console.log(
      `batcher: ${Object.entries(seen)
        .map(([what, count]) => `${count} ${what}`)
        .join(', ')}`,
    );
  });
});

async function hold(given: Schedule): Promise<void> {
  const clock = handClock();
  const succeeded = new Map<string, number>();
  const started: Caller[] = [];
  let [runs, running] = [0, 0];
  let broken: string | undefined;
  const mustHold = (holds: boolean, what: string) => {
    if (!holds) broken ??= what;
  };

  const batcher = new Batcher<Caller, readonly string[]>(
    {
      async run(parts) {
        const run = runs++;
        mustHold(++running <= given.runsAtOnce, 'runs at once');
        checkLimits(parts, given, mustHold);
        for (const { input, from } of parts) if (from === 0 && !started.includes(input)) started.push(input);
        if (given.hanging === run) await new Promise(() => {});
        await clock.sleep(given.fixedMs + given.rowMs * parts.reduce((sum, { from, to }) => sum + to - from, 0));
        running--;
        if (given.flaky?.includes(run)) throw new Error('flaky');
        for (const { input, from, to } of parts) {
          const { badRow } = input.given;
          if (badRow !== undefined && badRow >= from && badRow < to) throw new Error('bad');
        }
        return parts.map(({ input, from, to }) => {
          const rows = Array.from({ length: to - from }, (_, i) => `${input.id}:${from + i}`);
          for (const row of rows) succeeded.set(row, (succeeded.get(row) ?? 0) + 1);
          return rows;
        });
      },
      join: (answers) => answers.flat(),
    },
    {
      batch: given.batch,
      queue: given.queue,
      runsAtOnce: given.runsAtOnce,
      pace: () =>
        'p95' in given.pace
          ? selfTuned({ p95: given.pace.p95 }, given.batch.rows)
          : fixedPace(given.pace.size, given.pace.window),
    },
    clock,
  );

  const callers = given.callers.map((one, id): Caller => ({ id, given: one }));
  const outcomes = new Map<Caller, Outcome>();
  const added: Caller[] = [];
  const come = async (one: Caller) => {
    const { at, rows, bytesPerRow, bucket, priority, deadlineIn, leavesIn } = one.given;
    await clock.sleep(at);
    const leaves = new AbortController();
    if (leavesIn !== undefined) void clock.sleep(leavesIn).then(() => leaves.abort(new Error('left')));
    added.push(one);
    const deadline = deadlineIn === undefined ? {} : { deadline: clock.now() + deadlineIn };
    const settle = (outcome: Outcome) => {
      mustHold(!outcomes.has(one), 'one answer');
      outcomes.set(one, outcome);
    };
    await batcher
      .add({ input: one, rows, bytes: rows * bytesPerRow, bucket, priority, signal: leaves.signal, ...deadline })
      .then(
        (value) => settle({ value, at: clock.now() }),
        (error) => settle({ error, at: clock.now() }),
      );
  };
  for (const one of callers) void come(one);
  let closed = false;
  // A run that never ends holds its lane: only refusing answers those behind it.
  const how = given.hanging !== undefined ? 'refuse' : given.closes.how;
  void clock.sleep(given.closes.at).then(async () => {
    await batcher.close(how);
    closed = true;
  });
  await clock.run(END);

  expect(broken).toBe(undefined);
  expect(outcomes.size).toBe(callers.length);
  if (running === 0) expect(closed).toBe(true);
  expect([...succeeded].filter(([, times]) => times > 1)).toEqual([]);
  for (const [one, outcome] of outcomes) checkOutcome(one, outcome, given, runs);
  checkOrder(started, added);
  const { requests, runs: counted, failedRuns, waitingRows, waitingBytes } = batcher.stats;
  expect({ waitingRows, waitingBytes, runs: counted }).toEqual({ waitingRows: 0, waitingBytes: 0, runs });
  expect(requests.answered + requests.failed + requests.refused).toBe(callers.length);
  seen.schedules++;
  seen.requests += callers.length;
  seen.answered += requests.answered;
  seen.runs += runs;
  seen.failedRuns += failedRuns;
}

function checkLimits(
  parts: readonly Part<Caller>[],
  { batch }: Schedule,
  mustHold: (holds: boolean, what: string) => void,
) {
  const rows = parts.reduce((sum, { from, to }) => sum + to - from, 0);
  const bytes = parts.reduce((sum, { input, from, to }) => sum + (to - from) * input.given.bytesPerRow, 0);
  mustHold(parts.length > 0 && parts.every(({ from, to }) => to > from), 'no empty part');
  mustHold(rows <= batch.rows, 'limit of rows');
  mustHold(bytes <= batch.bytes, 'limit of bytes');
  mustHold(new Set(parts.map(({ input }) => input.given.bucket)).size === 1, 'one bucket');
  mustHold(new Set(parts.map(({ input }) => input)).size === parts.length, 'one part a caller');
}

function checkOutcome({ id, given: caller }: Caller, outcome: Outcome, given: Schedule, runs: number): void {
  if ('value' in outcome) {
    expect(outcome.value).toEqual(Array.from({ length: caller.rows }, (_, i) => `${id}:${i}`));
    expect(caller.badRow === undefined || caller.badRow >= caller.rows).toBe(true);
    return;
  }
  const { error, at } = outcome;
  const message = error instanceof Error ? error.message : '';
  if (message === 'bad') {
    seen.bad++;
    expect(caller.badRow !== undefined && caller.badRow < caller.rows).toBe(true);
  } else if (message === 'flaky') {
    expect(given.flaky?.some((run) => run < runs)).toBe(true);
  } else if (message === 'left') {
    seen.cancelled++;
    expect(at).toBe(caller.at + (caller.leavesIn ?? Number.NaN));
  } else {
    expect(error).toBeInstanceOf(GlowplugError);
    const code = error instanceof GlowplugError ? error.code : '';
    expect(['DEADLINE', 'QUEUE_FULL', 'INPUT_TOO_LARGE', 'SHUTTING_DOWN']).toContain(code);
    if (code === 'DEADLINE') {
      seen.late++;
      // A timer has whole milliseconds.
      expect(at).toBeLessThanOrEqual(caller.at + (caller.deadlineIn ?? Number.NaN) + 1);
    } else seen.refused++;
    if (code === 'SHUTTING_DOWN') expect(at).toBeGreaterThanOrEqual(given.closes.at);
  }
}

/** Of one bucket and one priority, whoever came first started first. */
function checkOrder(started: readonly Caller[], added: readonly Caller[]): void {
  const lane = ({ given }: Caller) => `${given.bucket} ${given.priority}`;
  for (const one of new Set(started.map(lane))) {
    const came = added.filter((caller) => lane(caller) === one && started.includes(caller));
    expect(started.filter((caller) => lane(caller) === one)).toEqual(came);
  }
}
