// A whole number within bounds, as an option's value.
import { InvalidArgumentError } from 'commander';

/** Commander says which option it was, and ends with its own exit code. */
export function whole(least: number, most = 1_000_000): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}
