// What the functions of this bench share: which models to run, and on what.

export interface Wanted {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The case, as the bench wrote it into the function's environment. */
export function wanted(): Wanted[] {
  return JSON.parse(process.env['BENCH_MODELS'] ?? '[]');
}

/** Some values, the same each time. */
export function values(shape: readonly number[]): Float32Array {
  const length = shape.reduce((product, one) => product * one, 1);
  return Float32Array.from({ length }, (_, index) => (index % 17) / 17 - 0.5);
}

/** The answer, so short that carrying it takes no time: all contestants must give the same one. */
export function summary(data: ArrayLike<number>): { length: number; sum: number; largest: number } {
  let sum = 0;
  let largest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < data.length; index++) {
    sum += data[index] ?? 0;
    largest = Math.max(largest, data[index] ?? 0);
  }
  return { length: data.length, sum, largest };
}
