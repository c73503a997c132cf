// How good a classifier of spam is on e-mails that it was not trained on.

export interface Figures {
  readonly emails: number;
  readonly spam: number;
  /** Spam that was called spam, and so on, at a probability of 0.5. */
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly accuracy: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Mean squared difference of probability and truth; saying the share of spam for each would give share · (1 − share). */
  readonly brier: number;
  /** Mean difference of probability said and share of spam found, over tenths of the probability, weighted by their e-mails. */
  readonly calibrationError: number;
}

export function figures(probabilities: ArrayLike<number>, spam: readonly boolean[]): Figures {
  let [tp, fp, fn, squares] = [0, 0, 0, 0];
  const tenths = Array.from({ length: 10 }, () => ({ said: 0, found: 0 }));
  for (const [at, is] of spam.entries()) {
    const p = probabilities[at]!;
    if (p >= 0.5) is ? tp++ : fp++;
    else if (is) fn++;
    squares += (p - (is ? 1 : 0)) * (p - (is ? 1 : 0));
    const tenth = tenths[Math.min(9, Math.floor(p * 10))]!;
    tenth.said += p;
    tenth.found += is ? 1 : 0;
  }
  const round = (value: number) => Math.round(value * 10_000) / 10_000;
  return {
    emails: spam.length,
    spam: spam.filter(Boolean).length,
    truePositives: tp,
    falsePositives: fp,
    falseNegatives: fn,
    accuracy: round((spam.length - fp - fn) / spam.length),
    precision: round(tp / (tp + fp)),
    recall: round(tp / (tp + fn)),
    f1: round((2 * tp) / (2 * tp + fp + fn)),
    brier: round(squares / spam.length),
    calibrationError: round(tenths.reduce((sum, { said, found }) => sum + Math.abs(said - found), 0) / spam.length),
  };
}
