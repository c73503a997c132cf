// What every benchmark shares: alternating runs, medians with their spread, and the shape of a result.

/** One figure. `against` and `ratio` name what it was alternated with; `reach` is the bar, `met` whether it was reached. */
export interface Result {
  readonly case: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  readonly against?: string;
  readonly ratio?: number;
  readonly reach?: number;
  readonly met?: boolean;
  readonly runs: number;
}

export interface Sample {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

/** Runs the contestants in turn, `runs` times each after `warmup`, and gives each one's milliseconds. */
export async function alternate<N extends string>(
  contestants: Readonly<Record<N, () => unknown>>,
  { runs, warmup }: { runs: number; warmup: number },
): Promise<Record<N, Sample>> {
  const times = new Map<string, number[]>();
  const entries = Object.entries<() => unknown>(contestants);
  for (let run = -warmup; run < runs; run++) {
    for (const [name, work] of entries) {
      const start = performance.now();
      await work();
      const ms = performance.now() - start;
      if (run >= 0) (times.get(name) ?? times.set(name, []).get(name))?.push(ms);
    }
  }
  // Built from the entries of `contestants`: the names are N.
  return Object.fromEntries([...times].map(([name, ms]) => [name, sample(ms)])) as Record<N, Sample>;
}

export function sample(values: readonly number[]): Sample {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { median: at(0.5), p10: at(0.1), p90: at(0.9) };
}

/** `value` must not be over `reach`. */
export function atMost(result: Omit<Result, 'met'> & { reach: number }): Result {
  return { ...result, value: round(result.value), met: result.value <= result.reach };
}

/** `value` must not be under `reach`. */
export function atLeast(result: Omit<Result, 'met'> & { reach: number }): Result {
  return { ...result, value: round(result.value), met: result.value >= result.reach };
}

export function round(value: number): number {
  return Number(value.toPrecision(4));
}
