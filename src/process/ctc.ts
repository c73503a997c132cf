// Greedy decoding of a CTC output: the best class of each step, repeats joined, blanks dropped (Graves et al. 2006).
import { GlowplugError } from '../core/errors.ts';
import { argmax } from './softmax.ts';

export interface CtcSymbol {
  readonly index: number;
  /** First and last step in which it was the best. */
  readonly from: number;
  readonly to: number;
  /** Its greatest probability within these steps. */
  readonly confidence: number;
}

/**
 * The classes that were read, in order, from probabilities of `steps` × `classes`.
 *
 * @example
 * ctcGreedy(Float32Array.of(0.1, 0.9, 0.2, 0.8, 0.9, 0.1), 2); // steps 1 1 0, class 0 blank → one symbol, class 1
 */
export function ctcGreedy(probabilities: Float32Array, classes: number, blank = 0): CtcSymbol[] {
  if (!(classes > 0) || probabilities.length % classes !== 0) {
    throw new GlowplugError('INPUT_TENSOR', `expected steps of ${classes} classes, got ${probabilities.length} values`);
  }
  const symbols: CtcSymbol[] = [];
  let previous = blank;
  for (let step = 0; step * classes < probabilities.length; step++) {
    const at = argmax(probabilities, step * classes, (step + 1) * classes);
    const index = at - step * classes;
    const confidence = probabilities[at]!;
    const last = symbols.at(-1);
    if (index !== blank && index === previous && last) {
      symbols[symbols.length - 1] = { ...last, to: step, confidence: Math.max(last.confidence, confidence) };
    } else if (index !== blank) {
      symbols.push({ index, from: step, to: step, confidence });
    }
    previous = index;
  }
  return symbols;
}

/** Mean confidence of what was read; 0 where nothing was. */
export function meanConfidence(symbols: readonly CtcSymbol[]): number {
  return symbols.length === 0 ? 0 : symbols.reduce((sum, symbol) => sum + symbol.confidence, 0) / symbols.length;
}
