// Capture: what is kept, that it is only what was named, and that no answer waits for it or fails by it.
import { expect, it } from 'vitest';
import { noLog } from '../../src/core/log.ts';
import { Capture, type WriteRecord } from '../../src/handler/capture.ts';
import { createContext } from '../../src/handler/context.ts';
import type { CapturedRecord, Features } from '../../src/quality/record.ts';
import { handClock } from '../hand-clock.ts';
import { runs } from '../runs.ts';

const at = new Date('2026-11-25T07:08:09.010Z');
const ok = new Response(null, { headers: { 'x-glowplug-model': 'spam=spam:1.0.0' } });

function capturing(of: (input: never, output: never) => Features, write: WriteRecord, percent = 100) {
  const warnings: unknown[] = [];
  const log = { ...noLog, warn: (message: string, fields?: object) => void warnings.push({ message, ...fields }) };
  const capture = new Capture({ percent, of: of as (input: unknown, output: unknown) => Features }, write, {
    log,
    now: () => at,
  });
  const request = (requestId: string, response = ok) => {
    const context = createContext({ requestId });
    capture.see({ text: 'secret' }, { spam: true }, context);
    return capture.answered(context, response);
  };
  return { capture, request, warnings };
}

it('keeps what was named, tidied, under the hour and the request’s id', async () => {
  const written: [string, CapturedRecord][] = [];
  const of = () => ({
    n: 1,
    bad: Number.NaN,
    yes: true,
    long: 'x'.repeat(500),
    object: {} as never,
    ['y'.repeat(500)]: 2,
  });
  const { capture, request } = capturing(of, async (key, record) => void written.push([key, record]));
  void request('a/../b');
  await capture.written();
  expect(written).toEqual([
    [
      '2026-11-25/07/a_.._b.json',
      {
        requestId: 'a/../b',
        at: at.toISOString(),
        models: 'spam=spam:1.0.0',
        features: { n: 1, yes: true, long: 'x'.repeat(200), ['y'.repeat(200)]: 2 },
      },
    ],
  ]);
  expect(JSON.stringify(written)).not.toContain('secret');
});

it(`takes a share of the requests, the same ones every time (${runs(2000)} ids)`, async () => {
  const taken = async () => {
    const ids: string[] = [];
    const { capture, request } = capturing(
      () => ({}),
      async (_key, { requestId }) => void ids.push(requestId),
      5,
    );
    for (let id = 0; id < runs(2000); id++) {
      void request(`request ${id}`);
      await capture.written();
    }
    return ids;
  };
  const first = await taken();
  expect(await taken()).toEqual(first);
  expect(Math.abs(first.length / runs(2000) - 0.05)).toBeLessThan(0.02);
});

it('keeps nothing of a request that failed', async () => {
  const written: unknown[] = [];
  const { capture, request } = capturing(
    () => ({}),
    async (key) => void written.push(key),
  );
  void request('a', new Response(null, { status: 500 }));
  await capture.written();
  expect(written).toEqual([]);
});

it('says once that of throws, and that writing fails, with the number of those lost; and holds 64 at most', async () => {
  const throwing = capturing(
    () => {
      throw new Error('mine');
    },
    async () => {},
  );
  void throwing.request('a');
  void throwing.request('b');
  expect(throwing.warnings).toEqual([
    { message: expect.stringContaining('capture.of threw'), code: 'INTERNAL', lost: 0, error: 'Error: mine' },
  ]);

  const { capture, request, warnings } = capturing(
    () => ({}),
    async () => Promise.reject(new Error('S3 is gone')),
  );
  for (let at = 0; at < 70; at++) void request(`${at}`);
  await capture.written();
  expect(warnings).toEqual([
    { message: 'captured requests could not be written', code: 'INTERNAL', lost: 1, error: 'Error: S3 is gone' },
    { message: 'captured requests came faster than they could be written', lost: 6 },
  ]);
});

it('is under way before the answer is, which waits for it no longer than it may', async () => {
  const clock = handClock();
  const s3 = Promise.withResolvers<void>();
  let begun = 0;
  const write = async () => {
    begun++;
    await s3.promise;
  };
  const answered = (wait: number) => {
    const capture = new Capture({ percent: 100, of: () => ({}), wait }, write, { log: noLog, clock });
    const context = createContext({ requestId: 'a' });
    capture.see({}, {}, context);
    return capture.answered(context, ok);
  };
  await answered(0);
  expect(begun).toBe(1);
  let gone = '';
  const waited = answered(50).then(() => (gone = 'after 50 ms'));
  clock.pass(49);
  await new Promise(setImmediate);
  expect([begun, gone]).toEqual([2, '']);
  clock.pass(1);
  await waited;
  s3.resolve();
  await answered(1000);
});

it('is refused with a percent that is none', () => {
  expect(() =>
    capturing(
      () => ({}),
      async () => {},
      101,
    ),
  ).toThrow('expected a percent from 0 to 100, got 101');
});
