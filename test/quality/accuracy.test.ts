// What was true, joined to what was answered: late, twice, of nobody, and against itself.
import { expect, it } from 'vitest';
import { accuracy } from '../../src/quality/accuracy.ts';
import type { CapturedRecord, Feature } from '../../src/quality/record.ts';

const record = (requestId: string, spam: Feature): CapturedRecord => ({ requestId, at: '', features: { spam } });
const label = (requestId: string, value: Feature) => ({ requestId, label: value });

it('counts each request once, and leaves out what is unknown or contradicts itself', () => {
  const records = [
    record('a', true),
    record('b', false),
    record('c', true),
    record('d', true),
    { ...record('e', 0), features: {} },
  ];
  const labels = [
    label('a', true),
    label('a', 'true'),
    label('b', true),
    label('c', true),
    label('c', false),
    label('e', true),
    label('z', true),
  ];
  expect(accuracy(records, labels, 'spam')).toEqual({
    labelled: 2,
    right: 1,
    accuracy: 0.5,
    interval: [expect.closeTo(0.0945, 3), expect.closeTo(0.9055, 3)],
    repeated: 1,
    contradictory: 1,
    unknown: 2,
  });
});

it('has no accuracy without labels', () => {
  expect(accuracy([record('a', true)], [], 'spam')).toMatchObject({
    labelled: 0,
    accuracy: undefined,
    interval: [0, 1],
  });
});
