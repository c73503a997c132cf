// How good outputs are against labels: counts for each sample, and one figure of their sum, so that samples can be drawn again.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Tensor, Tensors } from '../tensor/tensor.ts';

export interface Metric {
  /** As reports call it: `top-1`, `CER`. */
  readonly name: string;
  readonly better: 'higher' | 'lower';
  /** What one sample adds, always as many numbers. */
  count(outputs: Tensors, label: unknown): readonly number[];
  /** The figure of the sums over samples: a share from 0 to 1, or an error rate from 0 up. */
  value(sums: readonly number[]): number;
  /** Whether each sample is right or wrong, so that Wilson's interval holds. @default the interval is drawn */
  readonly binary?: boolean;
}

/** The share of samples whose greatest score is the label's. Labels are indices, or names where `classes` lists them. */
export function topOne(output: string, classes?: readonly string[]): Metric {
  return {
    name: 'top-1',
    better: 'higher',
    binary: true,
    count: (outputs, label) => [greatest(outputs, output) === indexOf(label, classes) ? 1 : 0, 1],
    value: share,
  };
}

/** Mean of each class's F1; a class that neither comes nor is answered does not count. */
export function macroF1(output: string, classes: readonly string[]): Metric {
  return {
    name: 'F1',
    better: 'higher',
    count(outputs, label) {
      const counts = new Array<number>(classes.length * 3).fill(0);
      const [answer, truth] = [greatest(outputs, output), indexOf(label, classes)];
      // For each class: right, answered, there.
      if (answer === truth) counts[truth * 3]!++;
      if (answer < classes.length) counts[answer * 3 + 1]!++;
      counts[truth * 3 + 2]!++;
      return counts;
    },
    value(sums) {
      const scores: number[] = [];
      for (let at = 0; at < sums.length; at += 3) {
        const [right, answered, there] = [sums[at]!, sums[at + 1]!, sums[at + 2]!];
        if (answered + there > 0) scores.push((2 * right) / (answered + there));
      }
      return scores.reduce((sum, score) => sum + score, 0) / Math.max(1, scores.length);
    },
  };
}

/** Characters that must be changed, added or taken away, as a part of those that are right (CER). */
export function characterErrors(read: (outputs: Tensors) => string): Metric {
  return errorRate('CER', (text) => [...text], read);
}

/** The same over words (WER). */
export function wordErrors(read: (outputs: Tensors) => string): Metric {
  return errorRate('WER', (text) => text.split(/\s+/u).filter(Boolean), read);
}

/** Intersection over union of what is above `threshold` and the label: a mask of as many elements, 0 where nothing is. */
export function maskIou(output: string, threshold = 0.5): Metric {
  return {
    name: 'IoU',
    better: 'higher',
    count(outputs, label) {
      const scores = floats(outputs, output).data;
      const mask = numbers(label, scores.length);
      let [both, either] = [0, 0];
      for (let at = 0; at < scores.length; at++) {
        const [found, there] = [scores[at]! > threshold, mask[at] !== 0];
        if (found && there) both++;
        if (found || there) either++;
      }
      return [both, either];
    },
    value: ([both = 0, either = 0]) => (either === 0 ? 1 : both / either),
  };
}

/** Least number of insertions, deletions and substitutions (Levenshtein). */
export function editDistance<T>(from: readonly T[], to: readonly T[]): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [i, item] of from.entries()) {
    const next = [i + 1];
    for (const [j, other] of to.entries()) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (item === other ? 0 : 1)));
    }
    row = next;
  }
  return row[to.length]!;
}

function errorRate(
  name: string,
  split: (text: string) => readonly string[],
  read: (outputs: Tensors) => string,
): Metric {
  return {
    name,
    better: 'lower',
    count(outputs, label) {
      if (typeof label !== 'string') throw wrongLabel('a text', label);
      const truth = split(label);
      return [editDistance(split(read(outputs)), truth), truth.length];
    },
    value: share,
  };
}

function share([part = 0, whole = 0]: readonly number[]): number {
  return whole === 0 ? 0 : part / whole;
}

function greatest(outputs: Tensors, name: string): number {
  const { data } = floats(outputs, name);
  let best = 0;
  for (let at = 1; at < data.length; at++) if (data[at]! > data[best]!) best = at;
  return best;
}

function floats(outputs: Tensors, name: string): Tensor<'FP32'> {
  const found = outputs[name];
  if (found?.datatype === 'FP32') return found;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected an output ${shorten(name)} of FP32 for the metric, got ${found?.datatype ?? 'none'}`,
    {
      remedy: `Name one of the outputs: ${Object.keys(outputs).join(', ')}.`,
    },
  );
}

function indexOf(label: unknown, classes: readonly string[] | undefined): number {
  const index = typeof label === 'string' && classes ? classes.indexOf(label) : Number(label);
  if (Number.isInteger(index) && index >= 0 && (!classes || index < classes.length)) return index;
  throw wrongLabel(classes ? `one of ${shorten(classes)}` : 'the index of a class', label);
}

function numbers(label: unknown, length: number): ArrayLike<unknown> {
  if ((Array.isArray(label) || ArrayBuffer.isView(label)) && 'length' in label && label.length === length)
    return label as ArrayLike<unknown>;
  throw wrongLabel(`a mask of ${length} elements`, label);
}

function wrongLabel(expected: string, label: unknown): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', `expected ${expected} as the label, got ${shorten(label)}`, {
    remedy: 'Mend the labels, or choose the metric that they are for.',
  });
}
