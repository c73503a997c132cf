// What a function's features were like when it was released: small enough to be a file of the repository.
import { GlowplugError, shorten } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { CapturedRecord, Feature } from './record.ts';

export interface NumberBaseline {
  readonly kind: 'number';
  readonly count: number;
  /** From the least to the greatest in steps of one in a hundred. */
  readonly quantiles: readonly number[];
}

export interface TextBaseline {
  readonly kind: 'text';
  readonly count: number;
  /** The most frequent values with how often they came, at most 50 that came five times; the others are one, `…`. Booleans are `true` and `false`. */
  readonly values: Readonly<Record<string, number>>;
}

export type FeatureBaseline = NumberBaseline | TextBaseline;

export interface Baseline {
  readonly records: number;
  /** The feature that is held against labels. */
  readonly prediction?: string;
  readonly features: Readonly<Record<string, FeatureBaseline>>;
}

const steps = 100;
const mostValues = 50;
/** What came less often says nothing: of names or ids, no value comes again. */
const fewestTimes = 5;
export const others = '…';

/** @throws GlowplugError CONFIG_INVALID without records, or with a prediction that none has */
export function makeBaseline(records: readonly CapturedRecord[], prediction?: string): Baseline {
  if (records.length === 0) {
    throw new GlowplugError('CONFIG_INVALID', 'expected captured records to make a baseline of, found none', {
      remedy: 'Send the function what it is made for, with capture: { percent: 100, … }, and name the days.',
    });
  }
  const seen = valuesByFeature(records);
  if (prediction !== undefined && !seen.has(prediction)) {
    throw new GlowplugError('CONFIG_INVALID', `expected a feature ${prediction}, got ${[...seen.keys()].join(', ')}`, {
      remedy: 'Name what capture.of returns under --prediction.',
    });
  }
  const features = [...seen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, values]) => [name, summary(values)]);
  return { records: records.length, ...(prediction ? { prediction } : {}), features: Object.fromEntries(features) };
}

export function valuesByFeature(records: readonly CapturedRecord[]): Map<string, Feature[]> {
  const seen = new Map<string, Feature[]>();
  for (const { features } of records) {
    for (const [name, value] of Object.entries(features)) {
      const values = seen.get(name);
      if (values) values.push(value);
      else seen.set(name, [value]);
    }
  }
  return seen;
}

export function sortedNumbers(values: readonly Feature[]): number[] {
  return values.filter((value) => typeof value === 'number').sort((a, b) => a - b);
}

/** Of what is no number, how often each value came. */
export function counts(values: readonly Feature[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const value of values) found.set(String(value), (found.get(String(value)) ?? 0) + 1);
  return found;
}

function summary(values: readonly Feature[]): FeatureBaseline {
  const numbers = sortedNumbers(values);
  if (numbers.length === values.length) {
    const at = (step: number) => numbers[Math.round((step / steps) * (numbers.length - 1))]!;
    return {
      kind: 'number',
      count: values.length,
      quantiles: Array.from({ length: steps + 1 }, (_, step) => at(step)),
    };
  }
  const byCount = [...counts(values)].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const often = byCount.slice(0, mostValues).filter(([, count]) => count >= fewestTimes);
  const rest = byCount.slice(often.length).reduce((sum, [, count]) => sum + count, 0);
  const named = [...often, ...(rest > 0 ? [[others, rest] as const] : [])];
  return { kind: 'text', count: values.length, values: Object.fromEntries(named) };
}

/** @throws GlowplugError CONFIG_INVALID */
export function parseBaseline(text: string, name: string): Baseline {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isRecord(value) && typeof value['records'] === 'number' && isRecord(value['features'])) {
    if (Object.values(value['features']).every(isFeature)) return value as unknown as Baseline;
  }
  throw new GlowplugError('CONFIG_INVALID', `expected the baseline in ${name}, got ${shorten(value ?? text)}`, {
    remedy: 'Make it again: glowplug baseline <function>.',
  });
}

function isFeature(value: unknown): value is FeatureBaseline {
  if (!isRecord(value) || typeof value['count'] !== 'number') return false;
  if (value['kind'] === 'text') return isRecord(value['values']);
  const { quantiles } = value;
  return value['kind'] === 'number' && Array.isArray(quantiles) && quantiles.length > 1;
}
