// What an event source mapping does with batches, over a queue and a clock of the test's own.
import { describe, expect, it } from 'vitest';
import { behaviour } from '../behaviour.ts';
import { handQueue } from './hand-queue.ts';

const ids = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `m${from + i}`);
const failures = (...failed: unknown[]) => ({
  batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })),
});

describe('an event source mapping', () => {
  behaviour(
    'A batch that succeeds is deleted from its queue',
    'AWS Lambda Developer Guide: Using Lambda with Amazon SQS',
    async () => {
      const q = handQueue();
      using _ = q.poller;
      q.send(ids(3));
      await q.settle();
      expect(q.batches[0]?.ids).toEqual(ids(3));
      expect(q.deleted).toEqual([]);
      q.batches[0]?.answer({});
      await q.settle();
      expect(q.deleted).toEqual(ids(3));
    },
  );

  behaviour(
    'With ReportBatchItemFailures all but the failed records are deleted',
    'AWS Lambda Developer Guide: Handling errors for an SQS event source in Lambda',
    async () => {
      const q = handQueue();
      using _ = q.poller;
      q.send(ids(4));
      await q.settle();
      q.batches[0]?.answer(failures('m1', 'm3'));
      await q.settle();
      expect(q.deleted).toEqual(['m0', 'm2']);
    },
  );

  behaviour(
    'No, null or empty batchItemFailures are a whole success',
    'AWS Lambda Developer Guide: Handling errors for an SQS event source in Lambda',
    async () => {
      const answers = ['null', '{}', '{"batchItemFailures":null}', '{"batchItemFailures":[]}'];
      for (const answer of answers) {
        const q = handQueue();
        using _ = q.poller;
        q.send(ids(2));
        await q.settle();
        q.batches[0]?.answer(answer);
        await q.settle();
        expect([answer, q.deleted]).toEqual([answer, ids(2)]);
      }
    },
  );

  behaviour(
    'A failure report that cannot be read, or names an unknown record, returns the whole batch',
    'AWS Lambda Developer Guide: Handling errors for an SQS event source in Lambda',
    async () => {
      const malformed = [
        'no JSON',
        '"a text"',
        '[]',
        '{"batchItemFailures":{}}',
        failures(''),
        failures(null),
        failures('m0', 'stranger'),
        { batchItemFailures: [{ wrongKey: 'm0' }] },
        { batchItemFailures: ['m0'] },
      ];
      for (const answer of malformed) {
        const q = handQueue();
        using _ = q.poller;
        q.send(ids(2));
        await q.settle();
        q.batches[0]?.answer(answer);
        await q.settle();
        expect([answer, q.deleted]).toEqual([answer, []]);
      }
    },
  );

  behaviour(
    'A function that fails returns the whole batch',
    'AWS Lambda Developer Guide: Handling errors for an SQS event source in Lambda',
    async () => {
      const q = handQueue();
      using _ = q.poller;
      q.send(ids(2));
      await q.settle();
      q.batches[0]?.answer({ kind: 'error', payload: Buffer.from('{}') });
      await q.settle();
      expect(q.deleted).toEqual([]);
    },
  );

  behaviour(
    'Without ReportBatchItemFailures what a function returns does not matter',
    'AWS Lambda Developer Guide: Handling errors for an SQS event source in Lambda',
    async () => {
      const q = handQueue({ reportsFailures: false });
      using _ = q.poller;
      q.send(ids(2));
      await q.settle();
      q.batches[0]?.answer(failures('m1'));
      await q.settle();
      expect(q.deleted).toEqual(ids(2));
      expect(q.notes).toEqual([expect.stringContaining('ReportBatchItemFailures')]);
    },
  );

  behaviour(
    'A throttled batch is tried again with longer pauses until its visibility timeout is over, and deletes nothing',
    'AWS Lambda Developer Guide: Backoff strategy for failed invocations',
    async () => {
      const q = handQueue({ visibilityMs: 10_000 });
      using _ = q.poller;
      q.send(['m0']);
      await q.settle();
      const throttled = { kind: 'throttled', reason: 'ConcurrentInvocationLimitExceeded' };
      for (const [tries, pauseMs] of [1000, 2000, 4000].entries()) {
        q.batches[tries]?.answer(throttled);
        await q.settle();
        q.pass(pauseMs - 1);
        await q.settle();
        expect(q.batches).toHaveLength(tries + 1);
        q.pass(1);
        await q.settle();
        expect(q.batches).toHaveLength(tries + 2);
      }
      q.batches[3]?.answer(throttled);
      q.pass(60_000);
      await q.settle();
      expect(q.batches).toHaveLength(4);
      expect(q.deleted).toEqual([]);
    },
  );

  behaviour(
    'A batch waits for MaximumBatchingWindowInSeconds, and no longer when it is full',
    'AWS Lambda Developer Guide: Using Lambda with Amazon SQS',
    async () => {
      const q = handQueue({ batchSize: 25, windowMs: 2000 });
      using _ = q.poller;
      q.send(ids(12));
      await q.settle();
      expect(q.batches).toHaveLength(0);
      q.pass(1999);
      q.send(ids(1, 12));
      await q.settle();
      expect(q.batches).toHaveLength(0);
      q.pass(1);
      await q.settle();
      expect(q.batches.map(({ ids }) => ids.length)).toEqual([13]);
      q.send(ids(25, 13));
      await q.settle();
      expect(q.batches.map(({ ids }) => ids.length)).toEqual([13, 25]);
    },
  );

  behaviour(
    'No more batches are in flight than MaximumConcurrency',
    'AWS Lambda Developer Guide: Configuring maximum concurrency for Amazon SQS event sources',
    async () => {
      const q = handQueue({ concurrency: 2 });
      using _ = q.poller;
      q.send(ids(40));
      await q.settle();
      expect(q.batches).toHaveLength(2);
      q.batches[1]?.answer({});
      await q.settle();
      expect(q.batches).toHaveLength(3);
    },
  );

  behaviour(
    'A batch ends before its event would be over 6 MB',
    'AWS Lambda Developer Guide: Using Lambda with Amazon SQS',
    async () => {
      const q = handQueue();
      using _ = q.poller;
      q.send(ids(10), 'x'.repeat(1_000_000));
      await q.settle();
      expect(q.batches.map(({ ids }) => ids.length)).toEqual([6, 4]);
      expect(Math.max(...q.batches.map(({ bytes }) => bytes))).toBeLessThanOrEqual(6 * 2 ** 20);
    },
  );

  it('gives back what it kept for the next batch when it is stopped', async () => {
    const q = handQueue({ batchSize: 20, windowMs: 1000, concurrency: 1 });
    q.send(ids(10), 'x'.repeat(1_000_000));
    await q.settle();
    expect(q.batches.map((each) => each.ids)).toEqual([ids(6)]);
    q.poller[Symbol.dispose]();
    await q.settle();
    expect(q.givenBack).toEqual(ids(4, 6));
  });

  it('gives back what it receives after it was stopped', async () => {
    const q = handQueue();
    await q.settle();
    q.poller[Symbol.dispose]();
    q.send(ids(2));
    await q.settle();
    expect(q.batches).toEqual([]);
    expect(q.givenBack).toEqual(ids(2));
  });
});
