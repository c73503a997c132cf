// Samples for three purposes: figures that are published come from none that ranges or precision were chosen by.
import { GlowplugError } from '../core/errors.ts';
import type { Sample } from './sample.ts';

export interface SplitSamples {
  /** Ranges come from these. */
  readonly calibration: readonly Sample[];
  /** The search tries the gate on these. */
  readonly trial: readonly Sample[];
  /** The figures come from these. */
  readonly held: readonly Sample[];
}

/** More tell ranges little. */
const MOST = 100;
/** Fewer are too few to be parted. */
export const fewestToPart = 12;

/** In turn, so that a folder sorted by class gives some of each; all of them for everything where there are too few. */
export function splitSamples(samples: readonly Sample[]): SplitSamples {
  if (samples.length === 0) {
    throw new GlowplugError('CONFIG_INVALID', 'expected samples, got none', {
      remedy: 'Give --samples a folder or a module.',
    });
  }
  if (samples.length < fewestToPart) return { calibration: samples, trial: samples, held: samples };
  const every = Math.max(4, Math.ceil(samples.length / MOST));
  return {
    calibration: samples.filter((_, at) => at % every === 0),
    trial: samples.filter((_, at) => at % every === 1),
    held: samples.filter((_, at) => at % every > 1),
  };
}
