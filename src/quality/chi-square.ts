// Whether two lists of counts are of one population: Pearson's chi-square test of homogeneity.

/** A cell that expects fewer is joined with the other small ones, or its square would say too much. Source: Cochran (1954). */
const fewestExpected = 5;

/**
 * `p`: how often counts of one population are as far apart as these. 1 where there is nothing to compare.
 * Source: Pearson (1900).
 */
export function chiSquare(
  a: readonly number[],
  b: readonly number[],
): { readonly statistic: number; readonly freedom: number; readonly p: number } {
  const [m, n] = [total(a), total(b)];
  const expected = (one: number, of: number) => (one * of) / (m + n);
  let [restA, restB] = [0, 0];
  const cells: [number, number][] = [];
  for (const [at, one] of a.entries()) {
    const other = b[at] ?? 0;
    if (expected(one + other, Math.min(m, n)) >= fewestExpected) cells.push([one, other]);
    else [restA, restB] = [restA + one, restB + other];
  }
  if (restA + restB > 0) cells.push([restA, restB]);
  const freedom = cells.length - 1;
  if (m === 0 || n === 0 || freedom < 1) return { statistic: 0, freedom: 0, p: 1 };
  const statistic = cells.reduce((sum, [one, other]) => {
    const [wantedA, wantedB] = [expected(one + other, m), expected(one + other, n)];
    return sum + (one - wantedA) ** 2 / wantedA + (other - wantedB) ** 2 / wantedB;
  }, 0);
  return { statistic, freedom, p: upperGamma(freedom / 2, statistic / 2) };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The regularised upper incomplete gamma function Q(s, x) of a whole or half `s`: by its recurrence, from Q(1, x) or Q(½, x). */
export function upperGamma(s: number, x: number): number {
  if (x <= 0) return 1;
  const whole = Number.isInteger(s);
  let sum = whole ? Math.exp(-x) : complementaryError(Math.sqrt(x));
  // xᵗ e⁻ˣ ÷ Γ(t + 1), as a logarithm: neither overflows.
  let term = whole ? -x + Math.log(x) : -x + 0.5 * Math.log(x) - Math.log(Math.sqrt(Math.PI) / 2);
  for (let t = whole ? 1 : 0.5; t < s; t++) {
    sum += Math.exp(term);
    term += Math.log(x) - Math.log(t + 1);
  }
  return Math.min(1, sum);
}

/** erfc(x) for x ≥ 0: its series while it is small, its continued fraction (Lentz) after. */
function complementaryError(x: number): number {
  const square = x * x;
  if (x < 2) {
    let [term, sum] = [x, x];
    for (let k = 1; Math.abs(term) > 1e-17; k++) {
      term *= -square / k;
      sum += term / (2 * k + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-square) / Math.sqrt(Math.PI) / (x + fraction);
}
