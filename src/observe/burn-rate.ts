// When an objective is in danger: by how fast its budget of bad requests burns, over a long time and still over a short one.
// Source: Google SRE Workbook, "Alerting on SLOs", 6: multiwindow, multi-burn-rate alerts.

export interface BurnRate {
  /** How many times faster than the objective allows. */
  readonly burn: number;
  /** Long enough that it matters: of the budget of 30 days it takes `burn × longMinutes / 43,200`. */
  readonly longMinutes: number;
  /** And it goes on: the alarm ends soon after its reason does. */
  readonly shortMinutes: number;
}

/** Fast: 2 % of the month's budget are gone in an hour; somebody gets up. Slow: 5 % in six hours; somebody looks. */
export const burnRates = {
  fast: { burn: 14.4, longMinutes: 60, shortMinutes: 5 },
  slow: { burn: 6, longMinutes: 360, shortMinutes: 30 },
} as const satisfies Record<string, BurnRate>;

export interface Minute {
  readonly bad: number;
  readonly all: number;
}

/** The share of bad requests above which the budget burns so fast. `objective`: the share that is to be good, 0 to 1. */
export function burnThreshold(objective: number, { burn }: BurnRate): number {
  // Twelve digits: 1 − 0.999 is no round number, and CloudWatch compares with more than.
  return Number((burn * (1 - objective)).toPrecision(12));
}

/** Minute by minute, the latest last. */
export function isBurning(objective: number, rate: BurnRate, minutes: readonly Minute[]): boolean {
  const share = (count: number) => {
    const [bad, all] = minutes.slice(-count).reduce(([bad, all], each) => [bad + each.bad, all + each.all], [0, 0]);
    return all === 0 ? 0 : bad / all;
  };
  const threshold = burnThreshold(objective, rate);
  return share(rate.longMinutes) > threshold && share(rate.shortMinutes) > threshold;
}
