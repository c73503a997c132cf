import { describe, expect, it } from 'vitest';
import { type Pace, selfTuned } from '../../src/batch/pace.ts';

/** Runs with `waiting` rows always there, each as long as `time` says; gives the sizes that were run. */
function drive(pace: Pace, time: (rows: number, run: number) => number, runs: number, waiting = 1000): number[] {
  return Array.from({ length: runs }, (_, run) => {
    const rows = Math.min(waiting, pace.size(waiting));
    pace.ran(rows, time(rows, run));
    return rows;
  });
}

/** The MLP's curve as measured: 2.2 ms a run and 0.26 ms a row. */
const mlp = (rows: number) => 2.2 + 0.26 * rows;
const noGain = (rows: number) => 20 * rows;

/** From 0 to 1, the same in every test run (mulberry32). */
function noise(run: number): number {
  let state = (run + 1) * 0x6d2b79f5;
  state = Math.imul(state ^ (state >>> 15), state | 1);
  state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
  return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
}

describe('the self-tuned pace', () => {
  it('starts with one row: nothing is known', () => {
    expect(selfTuned({ p95: 100 }, 256).size(1000)).toBe(1);
  });

  it('climbs to where a row is no longer 10 % cheaper, within 50 runs', () => {
    const pace = selfTuned({ p95: 1000 }, 256);
    drive(pace, mlp, 50);
    expect(pace.chosen.rows).toBeGreaterThanOrEqual(64);
    expect(pace.chosen.gain).toBeGreaterThan(8);
  });

  it('knows when not to batch: no gain, no batches but a few trials', () => {
    const pace = selfTuned({ p95: 1000 }, 256);
    const sizes = drive(pace, noGain, 2000);
    expect(pace.chosen).toMatchObject({ rows: 1, windowMs: 0 });
    expect(sizes.filter((rows) => rows > 1).length / sizes.length).toBeLessThan(0.07);
  });

  it('gets over a size that gains nothing before one that does', () => {
    const pace = selfTuned({ p95: 1000 }, 256);
    drive(pace, (rows) => (rows < 4 ? 20 * rows : 12 * rows), 60);
    expect(pace.chosen.rows).toBe(4);
  });

  it('keeps a run under half of the objective, since whoever comes meanwhile waits for it and then for its own', () => {
    const pace = selfTuned({ p95: 20 }, 256);
    drive(pace, mlp, 200, 16);
    drive(pace, mlp, 200);
    expect(2 * mlp(pace.size(30))).toBeLessThanOrEqual(20);
  });

  it('goes for rows a second when so many wait that the objective is lost anyway', () => {
    const pace = selfTuned({ p95: 20 }, 256);
    drive(pace, mlp, 200);
    expect(pace.size(1000)).toBeGreaterThanOrEqual(64);
  });

  it('is not fooled by a machine whose runs take up to five times as long, now and then', () => {
    const pace = selfTuned({ p95: 1000 }, 256);
    const wrong = { mlp: 0, noGain: 0 };
    drive(pace, (rows, run) => mlp(rows) * (1 + 4 * noise(run) ** 4), 3000)
      .slice(100)
      .forEach((rows) => {
        if (rows < 32) wrong.mlp++;
      });
    const other = selfTuned({ p95: 1000 }, 256);
    drive(other, (rows, run) => noGain(rows) * (1 + 4 * noise(run) ** 4), 3000)
      .slice(100)
      .forEach((rows) => {
        if (rows > 4) wrong.noGain++;
      });
    expect(wrong.mlp / 2900).toBeLessThan(0.05);
    expect(wrong.noGain / 2900).toBeLessThan(0.1);
  });

  it('follows a machine that changes', () => {
    const pace = selfTuned({ p95: 1000 }, 256);
    drive(pace, noGain, 300);
    drive(pace, mlp, 1500);
    expect(pace.chosen.rows).toBeGreaterThanOrEqual(64);
    drive(pace, noGain, 3000);
    expect(pace.chosen.rows).toBe(1);
  });

  it('stays at fewer rows while fewer wait', () => {
    const pace = selfTuned({ p95: 1000 }, 256);
    expect(Math.max(...drive(pace, mlp, 100, 5))).toBe(5);
    expect(pace.chosen.rows).toBe(8);
  });

  it('waits no longer than a run too many would cost, within a tenth of the objective, and not where nothing is gained', () => {
    const pace = selfTuned({ p95: 1000 }, 64);
    drive(pace, mlp, 100);
    expect(pace.window()).toBeCloseTo(2.2, 0);
    const tight = selfTuned({ p95: 15 }, 4);
    drive(tight, mlp, 100);
    expect(tight.window()).toBeCloseTo(1.5);
    const flat = selfTuned({ p95: 1000 }, 64);
    drive(flat, noGain, 100);
    expect(flat.window()).toBe(0);
  });

  it('gives windows that bring nobody up, for twice as many batches each time', () => {
    const pace = selfTuned({ p95: 1000 }, 64);
    drive(pace, mlp, 100);
    let opened = 0;
    for (let batch = 0; batch < 1000; batch++) {
      if (pace.window() === 0) continue;
      opened++;
      pace.waited(0);
    }
    expect(opened).toBeLessThan(25);
    while (pace.window() === 0);
    pace.waited(3);
    expect(pace.window()).toBeGreaterThan(0);
  });

  it('tells how long rows will take from the nearest size it knows', () => {
    const pace = selfTuned({ p95: 1000 }, 64);
    expect(pace.time(1)).toBe(undefined);
    pace.ran(4, 8);
    expect([1, 4, 64].map((rows) => pace.time(rows))).toEqual([2, 8, 128]);
  });

  it('takes requests with more rows than its ladder has', () => {
    const pace = selfTuned({ p95: 1000 }, 48);
    pace.ran(500, 500);
    expect(pace.time(500)).toBe(500);
    drive(pace, mlp, 100);
    expect(pace.chosen.rows).toBeLessThanOrEqual(48);
  });
});
