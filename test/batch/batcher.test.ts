import { describe, expect, it } from 'vitest';
import { Batcher } from '../../src/batch/batcher.ts';
import { fixedPace } from '../../src/batch/pace.ts';
import type { BatcherOptions, Part, Rows } from '../../src/batch/work.ts';
import { handClock } from '../hand-clock.ts';

/** Rows are letters; a run takes 10 ms and 1 more a row, and answers in capitals. `!` fails its run, `…` hangs it. */
function setUp(options: Partial<BatcherOptions> & { size?: number; window?: number } = {}) {
  const clock = handClock();
  const runs: string[] = [];
  const { size = 8, window = 0, ...given } = options;
  const batcher = new Batcher<string, string>(
    {
      async run(parts: readonly Part<string>[]) {
        const texts = parts.map(({ input, from, to }) => input.slice(from, to));
        runs.push(texts.join('+'));
        if (texts.some((text) => text.includes('…'))) return await new Promise<never>(() => {});
        await clock.sleep(10 + texts.join('').length);
        if (texts.some((text) => text.includes('!'))) throw new Error('a bad row');
        return texts.map((text) => text.toUpperCase());
      },
      join: (answers) => answers.join(''),
    },
    {
      batch: { rows: 8, bytes: 100 },
      queue: { rows: 100, bytes: 1000 },
      pace: () => fixedPace(size, window),
      ...given,
    },
    clock,
  );
  const add = (input: string, more: Partial<Rows<string>> = {}) =>
    batcher.add({ input, rows: input.length, bytes: input.length, ...more });
  return { clock, runs, batcher, add };
}

describe('batcher', () => {
  it('runs a lone row at once when there is no window', async () => {
    const { clock, runs, add } = setUp();
    const answer = add('a');
    await clock.run(11);
    expect(await answer).toBe('A');
    expect(runs).toEqual(['a']);
  });

  it('runs together whoever came in the same turn, and gives each its own rows', async () => {
    const { clock, runs, add } = setUp();
    const answers = Promise.all(['a', 'bc', 'd'].map((input) => add(input)));
    await clock.run(20);
    expect(await answers).toEqual(['A', 'BC', 'D']);
    expect(runs).toEqual(['a+bc+d']);
  });

  it('collects while a run is under way', async () => {
    const { clock, runs, add } = setUp();
    const first = add('a');
    await clock.run(5);
    const others = Promise.all([add('b'), add('c')]);
    await clock.run(30);
    expect([await first, ...(await others)]).toEqual(['A', 'B', 'C']);
    expect(runs).toEqual(['a', 'b+c']);
  });

  it('waits a window for more, and not longer once the batch is full', async () => {
    const { clock, runs, add } = setUp({ size: 3, window: 50 });
    void add('a');
    await clock.run(20);
    void add('b');
    await clock.run(30);
    expect(runs).toEqual([]);
    void add('c');
    await clock.run(31);
    expect(runs).toEqual(['a+b+c']);
    void add('d');
    await clock.run(60);
    expect(runs).toHaveLength(1);
    await clock.run(200);
    expect(runs).toEqual(['a+b+c', 'd']);
  });

  it('keeps the limits of rows and bytes', async () => {
    const { clock, runs, add } = setUp({ batch: { rows: 4, bytes: 10 } });
    const all = Promise.all([add('aa'), add('bb'), add('c'), add('d', { bytes: 10 }), add('e')]);
    await clock.run(500);
    expect(await all).toEqual(['AA', 'BB', 'C', 'D', 'E']);
    expect(runs).toEqual(['aa+bb', 'c', 'd', 'e']);
  });

  it('splits a request that is larger than a batch and puts its answers together in order', async () => {
    const { clock, runs, add } = setUp();
    const large = add('abcdefghijklmnopqrst');
    const small = add('z');
    await clock.run(100);
    expect(await large).toBe('ABCDEFGHIJKLMNOPQRST');
    expect(await small).toBe('Z');
    expect(runs).toEqual(['abcdefgh', 'ijklmnop', 'qrst+z']);
  });

  it('never splits what fits into a batch, and runs a lone request whole whatever size was chosen', async () => {
    const { clock, runs, add } = setUp({ size: 2 });
    void add('abcdef');
    void add('g');
    void add('hi');
    await clock.run(100);
    expect(runs).toEqual(['abcdef', 'g', 'hi']);
  });

  it('lets only rows of one bucket meet; the bucket of whoever waits longest goes first', async () => {
    const { clock, runs, add } = setUp();
    void add('x', { bucket: 'wide' });
    await clock.run(1);
    void add('a', { bucket: 'narrow' });
    await clock.run(2);
    void add('y', { bucket: 'wide' });
    void add('b', { bucket: 'narrow' });
    await clock.run(100);
    expect(runs).toEqual(['x', 'a+b', 'y']);
  });

  it('runs higher priorities first', async () => {
    const { clock, runs, add } = setUp({ size: 1 });
    void add('a');
    await clock.run(1);
    for (const [input, priority] of [
      ['b', 'low'],
      ['c', 'normal'],
      ['d', 'high'],
    ] as const)
      void add(input, { priority });
    await clock.run(100);
    expect(runs).toEqual(['a', 'd', 'c', 'b']);
  });

  it('lets a low row through under a steady flood of high ones', async () => {
    const { clock, runs, add } = setUp({ size: 1, queue: { rows: 1000, bytes: 1000 } });
    void add('a');
    void add('b', { priority: 'low' });
    for (let i = 1; i < 300 && !runs.includes('b'); i++) {
      void add('c', { priority: 'high' });
      await clock.run(11 * i);
    }
    expect(runs.filter((run) => run === 'c').length).toBeGreaterThan(150);
    expect(runs.at(-1)).toBe('b');
    await clock.run(1e5);
  });

  it('refuses with 429 and Retry-After when the queue is full, and lets in again when it is not', async () => {
    const { clock, add } = setUp({ size: 1, queue: { rows: 3, bytes: 1000 } });
    const first = add('a');
    await clock.run(1);
    const waiting = [add('b'), add('cd')];
    await expect(add('e')).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      status: 429,
      headers: { 'retry-after': '1' },
    });
    await clock.run(100);
    await Promise.all([first, ...waiting]);
    const again = add('f');
    await clock.run(200);
    expect(await again).toBe('F');
  });

  it('tells by Retry-After how long those who wait will take', async () => {
    const { clock, add } = setUp({ size: 1, queue: { rows: 400, bytes: 1e6 } });
    void add('a');
    await clock.run(11);
    for (let i = 0; i < 400; i++) void add('b');
    await expect(add('c')).rejects.toMatchObject({ headers: { 'retry-after': '5' } });
    await clock.run(1e5);
  });

  it('refuses what can never run within the limits', async () => {
    const { add } = setUp({ queue: { rows: 10, bytes: 150 } });
    await expect(add('a', { bytes: 101 })).rejects.toThrow(
      'expected rows of at most 100 bytes to batch, got one of 101',
    );
    await expect(add('a'.repeat(11))).rejects.toThrow('expected at most 10 rows to batch, got 11');
    await expect(add('aa', { bytes: 160 })).rejects.toThrow('expected at most 150 bytes to batch, got 160');
    await expect(add('')).rejects.toThrow('expected at least one row to batch, got 0');
  });

  it('takes a cancelled row out of the queue; one in a run is answered at once and its rows are thrown away', async () => {
    const { clock, runs, add } = setUp();
    const [running, queued] = [new AbortController(), new AbortController()];
    const first = add('a', { signal: running.signal });
    await clock.run(5);
    const second = add('b', { signal: queued.signal });
    const third = add('c');
    running.abort(new Error('gone'));
    queued.abort(new Error('gone too'));
    await expect(first).rejects.toThrow('gone');
    await expect(second).rejects.toThrow('gone too');
    await clock.run(50);
    expect(await third).toBe('C');
    expect(runs).toEqual(['a', 'c']);
  });

  it('refuses a row at once when those before it leave no time', async () => {
    const { clock, add } = setUp({ size: 1 });
    void add('a');
    await clock.run(11);
    void add('b');
    void add('c');
    await expect(add('d', { deadline: clock.now() + 20 })).rejects.toMatchObject({ code: 'DEADLINE', status: 504 });
    const high = add('e', { deadline: clock.now() + 30, priority: 'high' });
    await clock.run(100);
    expect(await high).toBe('E');
  });

  it('refuses a waiting row when its last chance to start has passed, not after its deadline', async () => {
    const { clock, add } = setUp();
    void add('a');
    await clock.run(11);
    void add('…').catch(() => {});
    await clock.run(12);
    let refusedAt = 0;
    const late = add('b', { deadline: 100 }).catch(() => {
      refusedAt = clock.now();
    });
    await clock.run(95);
    await late;
    expect(refusedAt).toBe(89);
  });

  it('makes a batch smaller when a larger one would be too late for someone in it', async () => {
    const { clock, runs, add } = setUp();
    void add('aaaa');
    await clock.run(14);
    const hurried = add('bbbb', { deadline: clock.now() + 15 });
    void add('cccc');
    await clock.run(100);
    expect(await hurried).toBe('BBBB');
    expect(runs).toEqual(['aaaa', 'bbbb', 'cccc']);
  });

  it('leaves no timer behind when all are answered', async () => {
    const { clock, add } = setUp();
    const answer = add('a', { deadline: 1e6 });
    await clock.run(20);
    await answer;
    expect(clock.sleepers).toBe(0);
  });

  it('finds the one bad row by halves: everyone else is answered, it gets its error', async () => {
    const { clock, runs, add } = setUp();
    const outcomes = Promise.allSettled(['a', 'b', 'c!', 'd', 'e'].map((input) => add(input)));
    await clock.run(500);
    expect((await outcomes).map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
      'A',
      'B',
      'Error: a bad row',
      'D',
      'E',
    ]);
    expect(runs).toEqual(['a+b+c!+d+e', 'a+b', 'c!+d+e', 'c!', 'd+e']);
  });

  it('answers everyone when all fail, in fewer than twice as many runs as there are requests', async () => {
    const { clock, runs, add } = setUp();
    const outcomes = Promise.allSettled(Array.from({ length: 8 }, () => add('!')));
    await clock.run(1000);
    expect((await outcomes).every(({ status }) => status === 'rejected')).toBe(true);
    expect(runs).toHaveLength(15);
  });

  it('fails a split request as one, and does not run the rest of it', async () => {
    const { clock, runs, add } = setUp();
    const large = add('abcdefg!ijklmnopqrst');
    const small = add('z');
    await Promise.all([expect(large).rejects.toThrow('a bad row'), clock.run(100)]);
    expect(await small).toBe('Z');
    expect(runs).toEqual(['abcdefg!', 'z']);
  });

  it('fails a batch whose work answers with the wrong number', async () => {
    const clock = handClock();
    const batcher = new Batcher<string, string>(
      { run: async () => [], join: () => '' },
      { batch: { rows: 8, bytes: 8 }, queue: { rows: 8, bytes: 8 }, pace: () => fixedPace(8, 0) },
      clock,
    );
    const failed = expect(batcher.add({ input: 'a', rows: 1, bytes: 1 })).rejects.toThrow(
      'expected 1 answers of a batch, got 0',
    );
    await clock.run(10);
    await failed;
  });

  it('drains: those who wait are answered, nobody new is let in', async () => {
    const { clock, batcher, add } = setUp({ size: 1, window: 1000 });
    const waiting = [add('a'), add('b')];
    const closed = batcher.close('drain');
    await expect(add('c')).rejects.toMatchObject({ code: 'SHUTTING_DOWN', status: 503 });
    await clock.run(100);
    await closed;
    expect(await Promise.all(waiting)).toEqual(['A', 'B']);
  });

  it('refuses: even those in a run that hangs are answered', async () => {
    const { clock, batcher, add } = setUp();
    const hung = add('…');
    await clock.run(5);
    const queued = add('b');
    void batcher.close('refuse');
    await expect(hung).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await expect(queued).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('disposing an idle one ends at once, twice too', async () => {
    const { batcher } = setUp();
    await batcher[Symbol.asyncDispose]();
    await batcher[Symbol.asyncDispose]();
  });

  it('has as many runs at once as it was told', async () => {
    const { clock, runs, add } = setUp({ size: 1, runsAtOnce: 2 });
    void add('a');
    void add('b');
    void add('c');
    await clock.run(5);
    expect(runs).toEqual(['a', 'b']);
    await clock.run(100);
    expect(runs).toEqual(['a', 'b', 'c']);
  });

  it('tells what waits, what ran and what became of the requests', async () => {
    const { clock, batcher, add } = setUp({ size: 1 });
    void add('a');
    const bad = add('!').catch(() => {});
    await clock.run(5);
    expect(batcher.stats).toMatchObject({ waitingRows: 1, waitingBytes: 1, running: 1 });
    await clock.run(100);
    await bad;
    await add('').catch(() => {});
    expect(batcher.stats).toMatchObject({
      waitingRows: 0,
      running: 0,
      runs: 2,
      failedRuns: 1,
      rowsRun: 1,
      requests: { answered: 1, failed: 1, refused: 1 },
      buckets: { '': { rows: 1, windowMs: 0 } },
    });
  });

  it('keeps what hostile shapes taught it for a few of them only', async () => {
    const { clock, batcher, add } = setUp();
    for (let i = 0; i < 300; i++) {
      void add('a', { bucket: `shape ${i}` });
      await clock.run(20 * i);
    }
    expect(Object.keys(batcher.stats.buckets).length).toBeLessThanOrEqual(65);
  });
});
