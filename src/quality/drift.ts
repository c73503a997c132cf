// How far two distributions are apart. Pure: shares and sorted numbers in, one figure out.

/**
 * Population stability index of two lists of shares, each summing to 1; 0 when they are equal. Under 0.1 is called stable,
 * over 0.2 another population.
 * Neither side's share is taken for less than `floor`: a value that one side has not seen would be infinitely far away. Source: Siddiqi, Credit Risk Scorecards (2005).
 */
export function stabilityIndex(expected: readonly number[], actual: readonly number[], floor = 1e-4): number {
  return expected.reduce((sum, share, at) => {
    const [e, a] = [Math.max(share, floor), Math.max(actual[at] ?? 0, floor)];
    return sum + (a - e) * Math.log(a / e);
  }, 0);
}

/** Jensen–Shannon distance, base 2: 0 for equal shares, 1 for shares that have nothing in common. Source: Lin (1991); Endres and Schindelin (2003). */
export function jensenShannon(p: readonly number[], q: readonly number[]): number {
  const half = (one: readonly number[], other: readonly number[]) =>
    one.reduce((sum, share, at) => {
      const mean = (share + (other[at] ?? 0)) / 2;
      return share > 0 ? sum + share * Math.log2(share / mean) : sum;
    }, 0);
  return Math.sqrt(Math.max(0, (half(p, q) + half(q, p)) / 2));
}

/** Half of the sum of all differences of shares: the most by which any event's probability differs, 0 to 1. */
export function totalVariation(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, share, at) => sum + Math.abs(share - (q[at] ?? 0)), 0) / 2;
}

/**
 * The two-sample Kolmogorov–Smirnov test of sorted numbers: the largest distance of their distribution functions, and how often
 * samples of one population of these sizes are as far apart. `sizes` where the numbers stand for more or fewer that were seen.
 * Source: Smirnov (1939); the series with Stephens' correction (1970), as in Numerical Recipes, 14.3.
 */
export function kolmogorovSmirnov(
  a: readonly number[],
  b: readonly number[],
  [m, n]: readonly [number, number] = [a.length, b.length],
): { readonly distance: number; readonly p: number } {
  let [i, j, distance] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const next = Math.min(a[i]!, b[j]!);
    while (a[i]! <= next) i++;
    while (b[j]! <= next) j++;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  const root = Math.sqrt((m * n) / (m + n));
  return { distance, p: tail((root + 0.12 + 0.11 / root) * distance) };
}

/** Kolmogorov's distribution from `x` on. */
function tail(x: number): number {
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) {
    const term = Math.exp(-2 * k * k * x * x);
    sum += k % 2 === 1 ? term : -term;
    if (term < 1e-12) break;
  }
  return Math.min(1, Math.max(0, 2 * sum));
}
