// A vector for each text of the vectors of its tokens.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** How: the mean of the tokens, the first one's (BERT's [CLS]), or the greatest of each dimension. */
export const poolings = ['mean', 'cls', 'max'] as const;
export type Pooling = (typeof poolings)[number];

/**
 * Padding does not count.
 *
 * @param hidden [rows, tokens, width]
 * @param mask [rows, tokens]: 1 for a token, 0 for padding
 * @throws GlowplugError INPUT_TENSOR for shapes that do not fit
 * @example
 * pool(last_hidden_state, attention_mask, 'mean'); // a Float32Array for each row
 */
export function pool(hidden: Tensor<'FP32'>, mask: Tensor<'INT64'>, how: Pooling): Float32Array[] {
  const [rows = 0, tokens = 0, width = 0] = hidden.shape;
  if (hidden.shape.length !== 3 || mask.shape[0] !== rows || mask.shape[1] !== tokens) {
    const got = `${shorten(hidden.shape)} and ${shorten(mask.shape)}`;
    throw new GlowplugError('INPUT_TENSOR', `expected [rows, tokens, width] and [rows, tokens], got ${got}`);
  }
  return Array.from({ length: rows }, (_, row) => {
    const present = Array.from({ length: tokens }, (_token, at) => row * tokens + at).filter(
      (at) => mask.data[at] === 1n,
    );
    return poolRow(hidden.data, how === 'cls' ? present.slice(0, 1) : present, width, how);
  });
}

/** Of length 1, so that a dot product is a cosine. A vector of nothing stays so. */
export function unitVector(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? vector : vector.map((value) => value / length);
}

function poolRow(data: Float32Array, present: readonly number[], width: number, how: Pooling): Float32Array {
  const sum = new Float64Array(width).fill(how === 'max' && present.length > 0 ? -Infinity : 0);
  for (const at of present) {
    for (let d = 0; d < width; d++) {
      const value = data[at * width + d]!;
      sum[d] = how === 'max' ? Math.max(sum[d]!, value) : sum[d]! + value;
    }
  }
  return Float32Array.from(sum, (value) => (how === 'mean' ? value / Math.max(1, present.length) : value));
}
