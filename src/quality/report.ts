// How a function does now: its drift and its accuracy in a window, as the scheduled job writes it and the command prints it.
import type { Store } from '../models/stores/store.ts';
import { type Accuracy, accuracy } from './accuracy.ts';
import type { Baseline } from './baseline.ts';
import { compare, type Drift } from './compare.ts';
import { readCaptured, readLabels, type Window } from './read-captured.ts';

export interface QualityReport {
  readonly function: string;
  /** ISO 8601. */
  readonly from: string;
  readonly to: string;
  /** Records that the window holds; at most 5,000 of them are read. */
  readonly captured: number;
  /** Objects and lines that could not be read as what they should be. */
  readonly unreadable: number;
  readonly drift: Drift;
  /** Undefined where the baseline names no prediction. */
  readonly accuracy: Accuracy | undefined;
}

export async function qualityReport(
  store: Store,
  name: string,
  baseline: Baseline,
  window: Window,
): Promise<QualityReport> {
  const { records, captured, unreadable } = await readCaptured(store, name, window);
  const { prediction } = baseline;
  const truth = prediction === undefined ? undefined : await readLabels(store, name);
  return {
    function: name,
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    captured,
    unreadable: unreadable + (truth?.unreadable ?? 0),
    drift: compare(baseline, records),
    accuracy: truth && prediction !== undefined ? accuracy(records, truth.labels, prediction) : undefined,
  };
}

/** Names of what is not as it was. */
export function drifting({ drift }: QualityReport): string[] {
  return [...drift.features.filter(({ drifts }) => drifts).map(({ name }) => name), ...drift.gone];
}
