// The version below which a model does not go without a person.
import { GlowplugError } from '../core/errors.ts';

/** @throws GlowplugError BELOW_FLOOR */
export function refuseBelow(floor: string | undefined, model: string, version: string): void {
  if (floor === undefined || (version !== '' && compareVersions(version, floor) >= 0)) return;
  const got = version || 'a version without a tag';
  throw new GlowplugError('BELOW_FLOOR', `expected ${model} at ${floor} or above, got ${got}`);
}

/**
 * Negative when `a` comes before `b`. By numbers part by part, as in semantic versioning: 1.9 before 1.10, 1.0.0-rc.1 before
 * 1.0.0, what is missing is 0; what follows a `+` does not count.
 */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [split(a), split(b)];
  const release = compareParts(one.release, other.release, '0');
  if (release !== 0 || one.pre === other.pre) return release;
  if (one.pre === undefined || other.pre === undefined) return one.pre === undefined ? 1 : -1;
  return compareParts(one.pre.split('.'), other.pre.split('.'), '');
}

function split(version: string): { release: string[]; pre: string | undefined } {
  const [core = ''] = version.split('+', 1);
  const dash = core.indexOf('-');
  if (dash < 0) return { release: core.split('.'), pre: undefined };
  return { release: core.slice(0, dash).split('.'), pre: core.slice(dash + 1) };
}

function compareParts(a: readonly string[], b: readonly string[], missing: string): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = comparePart(a[index] ?? missing, b[index] ?? missing);
    if (difference !== 0) return difference;
  }
  return 0;
}

function comparePart(a: string, b: string): number {
  const [numeric, otherNumeric] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numeric && otherNumeric) return Number(a) - Number(b);
  if (numeric !== otherNumeric) return a === '' || (numeric && b !== '') ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
