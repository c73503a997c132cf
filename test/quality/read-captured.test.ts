// The window out of the store: no more than can be held, spread over it; and labels that come late.
import { expect, it } from 'vitest';
import type { Store } from '../../src/models/stores/store.ts';
import { makeBaseline } from '../../src/quality/baseline.ts';
import { readCaptured, readLabels } from '../../src/quality/read-captured.ts';
import { recordKey } from '../../src/quality/record.ts';
import { qualityReport } from '../../src/quality/report.ts';

/** A store of these objects that can be read. */
function storeOf(objects: ReadonlyMap<string, string>) {
  let read = 0;
  const store = {
    name: 'memory',
    async *list(prefix: string) {
      for (const key of [...objects.keys()].sort()) if (key.startsWith(prefix)) yield key;
    },
    async get(key: string) {
      read++;
      const text = objects.get(key);
      if (text === undefined) return undefined;
      return { etag: '', size: text.length, body: new Blob([text]).stream() };
    },
  };
  // Only what reading needs: the rest of a store would be noise here.
  return { store: store as unknown as Store, read: () => read };
}

const now = new Date('2026-11-25T12:30:00Z');
const hours = (count: number) => new Date(now.getTime() - count * 3_600_000);
const window = { from: hours(24), to: now };
const entry = (id: string, at: Date, features: object): [string, string] => [
  `captured/spam/${recordKey(id, at)}`,
  JSON.stringify({ requestId: id, at: at.toISOString(), features }),
];

it('reads at most 5,000 of 23,000 records, from every hour alike, and counts all', async () => {
  const all = Array.from({ length: 23_000 }, (_, at) =>
    entry(`r${`${at}`.padStart(6, '0')}`, hours(at % 23), { hour: at % 23 }),
  );
  const { store, read } = storeOf(new Map(all));
  const { records, captured, unreadable } = await readCaptured(store, 'spam', window);
  expect([captured, unreadable, read()]).toEqual([23_000, 0, records.length]);
  expect(records.length).toBeGreaterThan(2400);
  expect(records.length).toBeLessThanOrEqual(5000);
  const byHour = Array.from(
    { length: 23 },
    (_, hour) => records.filter(({ features }) => features['hour'] === hour).length,
  );
  expect(Math.max(...byHour) / Math.min(...byHour)).toBeLessThan(1.2);
});

it('skips and counts what is no record, too large, or no label', async () => {
  const objects = new Map([
    entry('good', hours(1), { n: 1 }),
    ['captured/spam/2026-11-25/11/a.json', 'no JSON'],
    ['captured/spam/2026-11-25/11/b.json', JSON.stringify({ requestId: 'b', at: 'x', features: { n: [1] } })],
    ['captured/spam/2026-11-25/11/c.json', 'x'.repeat(70_000)],
    ['captured/other/2026-11-25/11/d.json', '{}'],
    ['truth/spam/1.jsonl', '{"requestId":"good","label":true}\n\nnot this\n{"requestId":"good"}\n'],
  ]);
  const { store } = storeOf(objects);
  expect(await readCaptured(store, 'spam', window)).toMatchObject({ captured: 4, unreadable: 3 });
  expect(await readLabels(store, 'spam')).toEqual({ labels: [{ requestId: 'good', label: true }], unreadable: 2 });
});

it('joins labels of requests from days before the window, and says that they came late', async () => {
  const old = hours(24 * 9);
  const objects = new Map([
    entry('new', hours(2), { spam: 'yes' }),
    entry('old/1', old, { spam: 'no' }),
    entry('too old', hours(24 * 40), { spam: 'no' }),
    [
      'truth/spam/1.jsonl',
      ['new', 'old/1', 'too old'].map((requestId) => JSON.stringify({ requestId, label: 'yes' })).join('\n'),
    ],
  ]);
  const baseline = makeBaseline([{ requestId: 'a', at: '', features: { spam: 'no' } }], 'spam');
  const report = await qualityReport(storeOf(objects).store, 'spam', baseline, window);
  expect(report).toMatchObject({
    captured: 1,
    drift: { records: 1, tooFew: true },
    accuracy: { labelled: 2, right: 1, late: 1, unknown: 1 },
  });
});
