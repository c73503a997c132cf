// How a function does now: its drift and its accuracy in a window, as the scheduled job writes it and the command prints it.
import type { Store } from '../models/stores/store.ts';
import { type Accuracy, accuracy } from './accuracy.ts';
import type { Baseline } from './baseline.ts';
import { compare, type Drift } from './compare.ts';
import { readCaptured, readLabelled, readLabels, type Window } from './read-captured.ts';

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
  /** Of the last 30 days, whose labels have had time to come; undefined where the baseline names no prediction. */
  readonly accuracy: Accuracy | undefined;
}

const monthMs = 30 * 24 * 3_600_000;

export async function qualityReport(
  store: Store,
  name: string,
  baseline: Baseline,
  window: Window,
): Promise<QualityReport> {
  const { records, captured, unreadable } = await readCaptured(store, name, window);
  const { prediction } = baseline;
  const truth = prediction === undefined ? undefined : await readLabels(store, name);
  const month = { from: new Date(Math.min(window.from.getTime(), window.to.getTime() - monthMs)), to: window.to };
  const labelled = truth ? await readLabelled(store, name, truth.labels, month) : [];
  return {
    function: name,
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    captured,
    unreadable: unreadable + (truth?.unreadable ?? 0),
    drift: compare(baseline, records),
    accuracy: truth && prediction !== undefined ? accuracy(labelled, truth.labels, prediction, window.from) : undefined,
  };
}

/** Names of what is not as it was. */
export function drifting({ drift }: QualityReport): string[] {
  return [...drift.features.filter(({ drifts }) => drifts).map(({ name }) => name), ...drift.gone];
}
