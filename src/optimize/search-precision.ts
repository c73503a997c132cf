// Mixed precision: each layer's own share in the error is measured, and the worst are taken out of INT8 until the gate holds.
import { type Figures, type Gate, gateFailures } from '../core/gate.ts';
import type { Session } from '../session/session.ts';
import { assess } from './assess.ts';
import { runSample } from './calibrate.ts';
import type { Metric } from './metric.ts';
import { openBytes } from './open-bytes.ts';
import { compareOutputs } from './parity.ts';
import { applyRecipe, type Form, type Recipe } from './recipe.ts';
import type { Sample } from './sample.ts';

export interface Sensitivity {
  readonly layer: string;
  /** Mean relative error of the outputs when this layer alone has its form. */
  readonly error: number;
}

export interface Search {
  readonly bytes: Uint8Array;
  /** Where it begins: every layer in the form that is wanted. */
  readonly recipe: Recipe;
  /** What a layer becomes that is too sensitive; without it: float. */
  readonly fallback: Form;
  readonly gate: Gate;
  /** What the gate is tried on, not what the variant is measured by in the end. */
  readonly samples: readonly Sample[];
  readonly metric?: Metric;
  readonly threads: number;
  readonly onProgress?: (what: string) => void;
}

export interface Found {
  readonly recipe: Recipe;
  /** Whether the gate holds on the samples of the search. */
  readonly holds: boolean;
  /** Layers that were taken out, the worst first. */
  readonly released: readonly string[];
  /** The worst first; empty where the gate held at once. */
  readonly sensitivities: readonly Sensitivity[];
}

/** Samples that each layer alone is tried on: their order is all that is wanted of them. */
const FEW = 8;

/**
 * The recipe with the fewest layers released for which the gate holds, supposing that releasing one more never harms: found by
 * halving, a session and a pass over the samples for each of log₂(layers) steps.
 */
export async function searchPrecision(search: Search): Promise<Found> {
  const { bytes, recipe, threads } = search;
  await using reference = await openBytes(bytes, threads);
  if (await holds(search, reference, recipe)) return { recipe, holds: true, released: [], sensitivities: [] };
  const sensitivities = await measureSensitivities(search, reference);
  const order = sensitivities.map(({ layer }) => layer);
  const without = (count: number) => release(recipe, order.slice(0, count), search.fallback);
  let [fails, passes] = [0, order.length];
  const all = await holds(search, reference, without(passes));
  while (all && passes - fails > 1) {
    const middle = (fails + passes) >> 1;
    search.onProgress?.(`the gate with ${middle} of ${order.length} layers out of INT8`);
    if (await holds(search, reference, without(middle))) passes = middle;
    else fails = middle;
  }
  return { recipe: without(passes), holds: all, released: order.slice(0, passes), sensitivities };
}

/** Each layer that the fallback differs for, alone in its form; the most sensitive first. */
async function measureSensitivities(search: Search, reference: Session): Promise<Sensitivity[]> {
  const { bytes, recipe, fallback, samples, threads } = search;
  const few = samples.slice(0, FEW);
  const right = [];
  for (const sample of few) right.push(await runSample(reference, sample));
  const found: Sensitivity[] = [];
  const layers = Object.entries(recipe.layers).filter(([, form]) => form !== fallback);
  for (const [at, [layer, form]] of layers.entries()) {
    search.onProgress?.(`how sensitive layer ${at + 1} of ${layers.length} is`);
    await using session = await openBytes(applyRecipe(bytes, { ...recipe, layers: { [layer]: form } }), threads);
    let error = 0;
    for (const [index, sample] of few.entries()) {
      error += Math.min(1, compareOutputs(right[index]!, await runSample(session, sample)).relativeError);
    }
    found.push({ layer, error: error / Math.max(1, few.length) });
  }
  return found.sort((a, b) => b.error - a.error);
}

function release(recipe: Recipe, layers: readonly string[], fallback: Form): Recipe {
  return { ...recipe, layers: { ...recipe.layers, ...Object.fromEntries(layers.map((layer) => [layer, fallback])) } };
}

async function holds(search: Search, reference: Session, recipe: Recipe): Promise<boolean> {
  await using session = await openBytes(applyRecipe(search.bytes, recipe), search.threads);
  const [figures] = await assess(reference, [session], search.samples, search.metric);
  return figures !== undefined && gateFailures(search.gate, figures satisfies Figures).length === 0;
}
