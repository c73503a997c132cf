// The page's list of invocations, read from logs.
import { describe, expect, it } from 'vitest';
import { InvocationFeed } from '../../../src/testing/page/invocation-feed.ts';
import { platformLog } from '../../../src/testing/runtime/platform-log.ts';

const report = (id: string, more = '') =>
  `REPORT RequestId: ${id}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 512 MB\tMax Memory Used: 90 MB\t${more}`;

describe('the feed of invocations', () => {
  it('has one of each START, complete with its REPORT, and its own lines', () => {
    const feed = new InvocationFeed(() => 1_000);
    feed.hear('iris', 'START RequestId: a-1 Version: $LATEST', 'one');
    feed.hear('iris', 'hello', 'one');
    expect(feed.invocations).toMatchObject([
      { id: 'a-1', function: 'iris', environment: 'one', startedAt: 1_000, done: false },
    ]);
    feed.hear('iris', 'END RequestId: a-1', 'one');
    feed.hear('iris', report('a-1', 'Init Duration: 80.10 ms\t'), 'one');
    expect(feed.invocations).toMatchObject([
      {
        done: true,
        durationMs: 12.34,
        initMs: 80.1,
        memoryMb: 512,
        maxMemoryMb: 90,
        failure: undefined,
        logs: ['hello'],
      },
    ]);
  });

  it('reads the platform’s lines as JSON, too, where the function chose that', () => {
    const feed = new InvocationFeed();
    const log = platformLog({ log: { format: 'JSON' } });
    feed.hear('iris', log.start('a-1'), 'one');
    const report = { requestId: 'a-1', durationMs: 4, memoryMb: 512, maxMemoryUsedMb: 90, initMs: 70 };
    feed.hear('iris', log.report({ ...report, failure: { kind: 'timeout', reported: 'x' } }), 'one');
    expect(feed.invocations).toMatchObject([
      { id: 'a-1', done: true, durationMs: 4, initMs: 70, memoryMb: 512, maxMemoryMb: 90, failure: 'timeout' },
    ]);
  });

  it('gives what an init wrote to the invocation that follows in that environment', () => {
    const feed = new InvocationFeed();
    feed.hear('ocr', 'loading', 'one');
    feed.hear('ocr', 'START RequestId: b-1 Version: $LATEST', 'two');
    feed.hear('ocr', 'START RequestId: a-1 Version: $LATEST', 'one');
    expect(feed.invocations.map(({ id, logs }) => [id, logs])).toEqual([
      ['b-1', []],
      ['a-1', ['loading']],
    ]);
  });

  it('keeps apart what two environments write in turn, and what two requests of one environment do', () => {
    const feed = new InvocationFeed();
    for (const [id, environment] of [
      ['a', 'one'],
      ['b', 'two'],
      ['c', 'two'],
    ] as const) {
      feed.hear('iris', `START RequestId: ${id} Version: $LATEST`, environment);
    }
    feed.hear('iris', 'of a', 'one');
    const entry = JSON.stringify({ level: 'INFO', message: 'of b', requestId: 'b' });
    feed.hear('iris', entry, 'two');
    feed.hear('iris', 'of c', 'two');
    expect(feed.invocations.map(({ logs }) => logs)).toEqual([['of a'], [entry], ['of c']]);
  });

  it('finds the stages of a cold start, and how an invocation failed', () => {
    const feed = new InvocationFeed();
    const stages = [{ stage: 'fetch', model: 'rec', from: 3, to: 90, bytes: 1_000_000 }];
    feed.hear('ocr', 'START RequestId: a Version: $LATEST', 'one');
    feed.hear('ocr', JSON.stringify({ message: 'cold start', stages: [...stages, { stage: 7 }] }), 'one');
    feed.hear('ocr', report('a', 'Status: error\tError Type: Runtime.ExitError\t'), 'one');
    expect(feed.invocations).toMatchObject([{ stages, failure: 'Runtime.ExitError' }]);
  });

  it('is bounded in invocations and in lines, and forgets the oldest', () => {
    const feed = new InvocationFeed();
    for (let i = 0; i < 300; i++) feed.hear('iris', `START RequestId: ${i} Version: $LATEST`, 'one');
    for (let i = 0; i < 1_000; i++) feed.hear('iris', 'x'.repeat(10_000), 'one');
    expect(feed.invocations).toHaveLength(200);
    expect(feed.invocations[0]?.id).toBe('100');
    const last = feed.invocations.at(-1)!;
    expect(last.logs).toHaveLength(200);
    expect(last.logs[0]).toHaveLength(4_000);
  });

  it('tells of each change until nobody listens any more', () => {
    const feed = new InvocationFeed();
    const heard: boolean[] = [];
    const listening = feed.listen(({ done }) => heard.push(done));
    feed.hear('iris', 'START RequestId: a Version: $LATEST', 'one');
    feed.hear('iris', report('a'), 'one');
    listening[Symbol.dispose]();
    feed.hear('iris', 'START RequestId: b Version: $LATEST', 'one');
    expect(heard).toEqual([false, true]);
  });
});
