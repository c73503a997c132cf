// When an alarm is on, as data: the construct makes CloudWatch's alarm of it, and what runs without CloudWatch reads it here.

export interface AlarmRule {
  /** The share of bad ones among all, 0 to 1, above which a period is bad. */
  readonly above: number;
  /** A period with fewer in all says nothing: one bad request of two is no outage. */
  readonly atLeast: number;
  /** So many of the last `of` periods must be bad. */
  readonly bad: number;
  readonly of: number;
}

/** Errors of our own: over 2 % of at least 20 requests, in one minute. A rollout's share is small and its time is short. */
export const errorRule: AlarmRule = { above: 0.02, atLeast: 20, bad: 1, of: 1 };

export interface Period {
  readonly bad: number;
  readonly all: number;
}

/** `periods`: the latest last. */
export function inAlarm({ above, atLeast, bad, of }: AlarmRule, periods: readonly Period[]): boolean {
  const isBad = (period: Period) => period.all >= atLeast && period.bad / period.all > above;
  return periods.slice(-of).filter(isBad).length >= bad;
}
