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
    meanError: undefined,
    late: 0,
    repeated: 1,
    contradictory: 1,
    unknown: 2,
  });
});

it('has a mean error where answer and label are numbers', () => {
  const records = [record('a', 1.5), record('b', 2), record('c', 7), record('d', 'none')];
  const labels = [label('a', 1), label('b', 2), label('c', 4), label('d', 3)];
  const { meanError } = accuracy(records, labels, 'spam');
  expect(meanError?.value).toBeCloseTo(3.5 / 3, 12);
  expect(meanError?.interval[0]).toBeLessThan(3.5 / 3);
  expect(meanError?.interval[1]).toBeGreaterThan(3.5 / 3);
});

it('has no accuracy without labels', () => {
  expect(accuracy([record('a', true)], [], 'spam')).toMatchObject({
    labelled: 0,
    accuracy: undefined,
    interval: [0, 1],
  });
});
