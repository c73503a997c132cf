// Logistic regression over which words are in a text. Only + − × ÷ √ are used, which IEEE 754 rounds in one way: every Node
// writes the same bytes.

/** A text: the indices of its words, each once, and whether it is spam. */
export interface Row {
  readonly words: readonly number[];
  readonly spam: boolean;
}

export interface Linear {
  readonly weights: Float64Array;
  readonly bias: number;
}

export interface TrainOptions {
  readonly vocabulary: number;
  /** Of the squared weights. */
  readonly decay: number;
  readonly steps: number;
}

/**
 * Nesterov's accelerated gradient descent from zero over all rows: nothing random. A row's value for each of its n words is
 * 1/√n, so that a long text is not surer than a short one for its length alone.
 */
export function trainLogistic(rows: readonly Row[], { vocabulary, decay, steps }: TrainOptions): Linear {
  // The loss's second derivative is at most 1/4 of the squared length of a row, which is 1, and 1/4 for the bias.
  const rate = 1 / (0.5 + decay);
  let [weights, bias] = [new Float64Array(vocabulary), 0];
  let [ahead, aheadBias] = [weights.slice(), 0];
  let t = 1;
  for (let step = 0; step < steps; step++) {
    const slope = new Float64Array(vocabulary);
    let biasSlope = 0;
    for (const { words, spam } of rows) {
      const scale = 1 / Math.sqrt(Math.max(1, words.length));
      const miss = (sigmoid(score({ weights: ahead, bias: aheadBias }, words)) - (spam ? 1 : 0)) / rows.length;
      biasSlope += miss;
      for (const word of words) slope[word]! += miss * scale;
    }
    const next = ahead.map((value, at) => value - rate * (slope[at]! + decay * value));
    const nextBias = aheadBias - rate * biasSlope;
    const tNext = (1 + Math.sqrt(1 + 4 * t * t)) / 2;
    const push = (t - 1) / tNext;
    ahead = next.map((value, at) => value + push * (value - weights[at]!));
    aheadBias = nextBias + push * (nextBias - bias);
    [weights, bias, t] = [next, nextBias, tNext];
  }
  return { weights, bias };
}

/** Log odds of spam. */
export function score({ weights, bias }: Linear, words: readonly number[]): number {
  let sum = 0;
  for (const word of words) sum += weights[word]!;
  return bias + sum / Math.sqrt(Math.max(1, words.length));
}

/**
 * Platt's scaling: the `slope` and `offset` with which scores of rows that were not trained on are log odds. Newton's method.
 */
export function calibrate(scores: readonly number[], spam: readonly boolean[]): { slope: number; offset: number } {
  let [slope, offset] = [1, 0];
  for (let step = 0; step < 25; step++) {
    let [g0, g1, h00, h01, h11] = [0, 0, 1e-9, 0, 1e-9];
    for (const [at, x] of scores.entries()) {
      const p = sigmoid(slope * x + offset);
      const miss = p - (spam[at] ? 1 : 0);
      const w = p * (1 - p);
      g0 += miss * x;
      g1 += miss;
      h00 += w * x * x;
      h01 += w * x;
      h11 += w;
    }
    const determinant = h00 * h11 - h01 * h01;
    slope -= (h11 * g0 - h01 * g1) / determinant;
    offset -= (h00 * g1 - h01 * g0) / determinant;
  }
  return { slope, offset };
}

export function sigmoid(x: number): number {
  const power = exp(-Math.abs(x));
  return (x < 0 ? power : 1) / (1 + power);
}

/** eˣ for x ≤ 0, to about 10⁻¹⁰ of 1: Math.exp may differ in its last bits between versions of V8. */
function exp(x: number): number {
  if (x < -700) return 0;
  const small = x / 1024;
  let power = 1 + small * (1 + (small / 2) * (1 + (small / 3) * (1 + (small / 4) * (1 + small / 5))));
  for (let squared = 0; squared < 10; squared++) power *= power;
  return power;
}
