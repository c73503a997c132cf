import { describe, expect, it } from 'vitest';
import type { Stage } from '../../src/handler/cold-start.ts';
import { measureColdStart, report } from '../../src/testing/cold-start.ts';
import { type ColdStartMatchers, coldStartMatchers } from '../../src/testing/index.ts';

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends ColdStartMatchers<R> {}
}
expect.extend(coldStartMatchers);

/** Boot 100 ms; two models side by side; what can overlap does, but for 20 ms. */
const stages: Stage[] = [
  { stage: 'boot', from: 0, to: 100 },
  { stage: 'import', from: 100, to: 110 },
  { stage: 'fetch', from: 102, to: 196, model: 'a', bytes: 1e6 },
  { stage: 'fetch', from: 104, to: 202, model: 'b', bytes: 1e6 },
  { stage: 'verify', from: 102, to: 196, model: 'a', ms: 4 },
  { stage: 'verify', from: 104, to: 202, model: 'b', ms: 5 },
  { stage: 'runtime', from: 115, to: 150 },
  { stage: 'create', from: 150, to: 170, model: 'a' },
  { stage: 'create', from: 170, to: 180, model: 'b' },
  { stage: 'request', from: 120, to: 280 },
  { stage: 'run', from: 230, to: 250, model: 'a' },
  { stage: 'run', from: 250, to: 280, model: 'b' },
];

describe('the budget of a cold start', () => {
  const start = report(stages);

  it('is against the floor for the whole, and against boot for a stage', () => {
    // 100 + max(100, 10 + 35 + 30) + 50
    expect([start.ms, start.floorMs]).toEqual([280, 250]);
    expect(start.over({ total: 1.12, import: 0.1, fetch: 1, verify: 0.09, run: 0.5 })).toEqual([]);
    expect(start.meets({ total: 1.12 })).toBe(true);
  });

  it('says what is over it, with both figures', () => {
    expect(start.over({ total: 1, fetch: 0.9, boot: 1 })).toEqual([
      'total: expected at most 1 × the floor, 250 ms; got 1.12 ×, 280 ms',
      'fetch: expected at most 0.9 × boot, 100 ms; got 1.00 ×, 100 ms',
    ]);
    expect(start.meets({ total: 1 })).toBe(false);
  });

  it('counts a stage that did not happen as nothing', () => {
    expect(start.over({ warm: 0 })).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a stage that there is not', { total: 3, imports: 0.5 }, 'name its stages, got imports'],
    ['no number', { total: Number.NaN }, 'budget of total to be from 0 up'],
    ['less than nothing', { import: -1 }, 'budget of import to be from 0 up, got -1'],
  ])('refuses one of %s', (_what, budget, message) => {
    const error = expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) });
    expect(() => start.over(budget)).toThrow(error);
    expect(() => expect(start).not.toColdStartWithin(budget)).toThrow(error);
  });

  it('is of one start at least', async () => {
    const measured = measureColdStart('.', () => expect.fail(), { starts: 0 });
    await expect(measured).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('is a matcher, whose failure shows the stages', () => {
    expect(start).toColdStartWithin({ total: 1.12, import: 0.1 });
    expect(start).not.toColdStartWithin({ total: 1 });
    expect(() => expect(start).toColdStartWithin({ total: 1 })).toThrow(
      /^total: expected at most 1 × the floor.*\n\nboot +0 – +100 ms\n[\s\S]*create +150 – +170 ms {2}a\n/,
    );
    expect(() => expect(3).toColdStartWithin({})).toThrow('expected what cloud.coldStart() resolves to');
  });
});
