// How sure a figure is that comes from samples: the interval that holds the truth in 95 of 100 cases.

export type Interval = readonly [low: number, high: number];

/** 97.5 % point of the normal distribution. */
const Z = 1.959964;
/** Enough for ends that are steady to about 2 % of the interval. */
const DRAWS = 1000;

/** Of a share: E. B. Wilson, 1927; it holds near 0 and 1 too. */
export function wilson(right: number, count: number): Interval {
  if (count === 0) return [0, 1];
  const share = right / count;
  const square = Z * Z;
  const centre = share + square / (2 * count);
  const reach = Z * Math.sqrt((share * (1 - share)) / count + square / (4 * count * count));
  const whole = 1 + square / count;
  return [Math.max(0, (centre - reach) / whole), Math.min(1, (centre + reach) / whole)];
}

/** Draws as many of `items` as there are, with repeats, and takes the middle 95 % of what `value` makes of them. */
export function bootstrap<T>(
  items: readonly T[],
  value: (drawn: readonly T[]) => number,
  random: () => number,
): Interval {
  const values = Array.from({ length: DRAWS }, () =>
    value(items.map(() => items[Math.floor(random() * items.length)]!)),
  ).sort((a, b) => a - b);
  return [values[Math.floor(DRAWS * 0.025)]!, values[Math.floor(DRAWS * 0.975)]!];
}
