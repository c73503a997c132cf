// Scores as probabilities, and the best of them.
import { GlowplugError } from '../core/errors.ts';

/**
 * Probabilities of rows of `classes` scores each (default: one row). The greatest score is taken off first, so that large
 * ones do not overflow.
 */
export function softmax(scores: Float32Array, classes: number = scores.length): Float32Array {
  checkRows(scores.length, classes);
  const result = new Float32Array(scores.length);
  for (let start = 0; start < scores.length; start += classes) {
    let max = -Infinity;
    for (let i = start; i < start + classes; i++) max = Math.max(max, scores[i]!);
    let total = 0;
    for (let i = start; i < start + classes; i++) total += Math.exp(scores[i]! - max);
    for (let i = start; i < start + classes; i++) result[i] = Math.exp(scores[i]! - max) / total;
  }
  return result;
}

export interface Ranked {
  readonly index: number;
  readonly score: number;
}

/** The k greatest of one row, best first; of equal ones the lower index. NaN ranks below everything. */
export function topK(scores: Float32Array, k: number): Ranked[] {
  const best: Ranked[] = [];
  for (const [index, score] of scores.entries()) {
    const worst = best[k - 1];
    if (k < 1 || Number.isNaN(score) || (worst && score <= worst.score)) continue;
    let at = best.length;
    while (at > 0 && best[at - 1]!.score < score) at--;
    best.splice(at, 0, { index, score });
    best.length = Math.min(best.length, k);
  }
  return best;
}

/** Index of the greatest in [start, end), the first of equal ones. */
export function argmax(scores: Float32Array, start = 0, end: number = scores.length): number {
  let best = start;
  for (let i = start + 1; i < end; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}

function checkRows(length: number, classes: number): void {
  if (Number.isInteger(classes) && classes > 0 && length % classes === 0) return;
  if (length === 0 && classes === 0) return;
  throw new GlowplugError('INPUT_TENSOR', `expected rows of ${classes} scores, got ${length} scores`);
}
