// Which rows may meet: those whose free dimensions are equal, or near enough to be filled up where the model says how.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Dimension, Signature, TensorSpec } from '../core/signature.ts';

/**
 * Free dimension → input → the value that fills a row up to the longest of its batch. The model must not mind: usually
 * because one of the inputs is a mask. `{ sequence: { input_ids: 0, attention_mask: 0 } }`
 */
export type Padding = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Lengths that meet differ by less than a step: two steps from a length to its double. Measured: docs/decisions/batcher.md. */
const STEPS = 2;

/** The longest length that meets `length`: 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48 … */
function stepOf(length: number): number {
  if (length <= 2 * STEPS) return length;
  const step = 2 ** Math.floor(Math.log2(length - 1)) / STEPS;
  return Math.ceil(length / step) * step;
}

/**
 * What of a signature is free beside the rows.
 *
 * @throws GlowplugError CONFIG_INVALID when rows cannot be joined, or not be filled up as `padding` says
 */
export function checkBatchable(signature: Signature, padding: Padding): void {
  const sides = { input: signature.inputs, output: signature.outputs };
  for (const [side, specs] of Object.entries(sides)) {
    for (const [name, { shape }] of Object.entries(specs)) {
      if (typeof shape[0] === 'string') continue;
      throw unfit(`expected a free first dimension of ${side} ${shorten(name)} to join rows along`, shape);
    }
  }
  for (const [dimension, fill] of Object.entries(padding)) {
    const having = Object.entries(signature.inputs).filter(([, { shape }]) => shape.includes(dimension, 1));
    if (having.length === 0) throw unfit('expected to pad a free dimension of an input', dimension);
    const missing = having.map(([name]) => name).filter((name) => !Object.hasOwn(fill, name));
    const unknown = Object.keys(fill).filter((name) => !having.some(([known]) => known === name));
    if (missing.length > 0 || unknown.length > 0) {
      throw unfit(
        `expected a value to fill ${having.map(([name]) => name).join(', ')} along ${shorten(dimension)}`,
        fill,
      );
    }
  }
  if (Object.keys(padding).length === 0) return;
  const known = new Set(Object.values(signature.inputs).flatMap(({ shape }) => shape.slice(1)));
  for (const [name, { shape }] of Object.entries(signature.outputs)) {
    const strange = shape.slice(1).find((dimension) => typeof dimension === 'string' && !known.has(dimension));
    if (strange === undefined) continue;
    throw unfit(
      `expected free dimensions of output ${shorten(name)} that an input has, to cut the padding off again`,
      shape,
    );
  }
}

/** Length of an axis as rows meet: a step where it is padded, else itself. */
export function meetingLength(dimension: Dimension, length: number, padding: Padding): number {
  return typeof dimension === 'string' && Object.hasOwn(padding, dimension) ? stepOf(length) : length;
}

/** Rows with the same key may meet. */
export function bucketKey(
  inputs: Readonly<Record<string, TensorSpec>>,
  feeds: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  padding: Padding,
): string {
  let key = '';
  for (const name in inputs) {
    const { shape } = inputs[name]!;
    for (let axis = 1; axis < shape.length; axis++) {
      const dimension = shape[axis]!;
      if (typeof dimension !== 'number') key += `${meetingLength(dimension, feeds[name]!.shape[axis]!, padding)},`;
    }
  }
  return key;
}

function unfit(expected: string, got: unknown): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', `batch: ${expected}, got ${shorten(got)}`, {
    remedy: 'Export the model with free dimensions by name, or leave batch out for it.',
  });
}
