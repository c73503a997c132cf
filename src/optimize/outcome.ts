// What `glowplug optimize` and `glowplug compare` found: each variant with its figures, and which one is best for what.
import { type Figures, type Gate, gateFailures, type Processor } from '../core/gate.ts';
import type { SizePoint } from './lambda-cost.ts';
import type { Candidate } from './make-recipes.ts';
import { isSooner, type Start } from './measure/measure-starts.ts';
import type { Measurement, Speed } from './measure/measure-variants.ts';

export const objectives = ['latency', 'cost', 'size'] as const;
export type Objective = (typeof objectives)[number];

export interface Variant {
  readonly name: string;
  /** In a sentence. */
  readonly how: string;
  readonly measured: Measurement;
  /** A cold start of it, and its first runs. */
  readonly start: Start;
  readonly lambda: readonly SizePoint[];
  /** Against the reference; absent for the reference itself, and where there were no samples. */
  readonly figures?: Figures;
  /** Why it does not pass the gate; none is a pass. */
  readonly failures: readonly string[];
  /** Absent for what was given as a file. */
  readonly candidate?: Candidate;
}

export interface Outcome {
  /** File of the reference. */
  readonly model: string;
  readonly processor: Processor;
  readonly gate: Gate;
  /** The reference first. */
  readonly variants: readonly Variant[];
  readonly recommended: Readonly<Partial<Record<Objective, string>>>;
  /** Candidates that could not be made or run, and why. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
}

/** Its quickest at one row a run. */
export function fastest({ measured }: Variant): Speed | undefined {
  return least(
    measured.speeds.filter(({ batch }) => batch === 1),
    ({ p50 }) => p50,
  );
}

/** The memory size at which a million requests cost least. */
export function cheapest({ lambda }: Variant): SizePoint | undefined {
  return least(lambda, ({ perMillion }) => perMillion);
}

/**
 * The best of those that pass, by each objective. A graph optimised beforehand is the same model to all but the start: packed
 * sessions optimise theirs when they load.
 */
export function recommend(variants: readonly Variant[]): Outcome['recommended'] {
  const passing = variants.filter(({ failures }) => failures.length === 0);
  const by = (value: (variant: Variant) => number | undefined) => {
    const known = passing.filter((variant) => !variant.candidate?.of && value(variant) !== undefined);
    return least(known, (variant) => value(variant) ?? 0)?.name;
  };
  const latency = by((variant) => fastest(variant)?.p50);
  const cost = by((variant) => cheapest(variant)?.perMillion);
  const size = by(({ measured }) => measured.size);
  return { ...(latency ? { latency } : {}), ...(cost ? { cost } : {}), ...(size ? { size } : {}) };
}

/** What a cold start of the variant takes instead, the best first: each beyond the noise of what it would take without. */
export function startsOf(variants: readonly Variant[], name: string): Variant[] {
  const forms: Variant[] = [];
  let before = variants.find((variant) => variant.name === name);
  for (const form of variants) {
    if (!before || form.candidate?.of !== name || form.failures.length > 0) continue;
    if (!isSooner(form.start, before.start)) continue;
    forms.unshift(form);
    before = form;
  }
  return forms;
}

/** Those than which no other that passes is both smaller and faster (V. Pareto). */
export function paretoFront(variants: readonly Variant[]): Variant[] {
  const passing = variants.filter((variant) => variant.failures.length === 0 && fastest(variant));
  const ms = (variant: Variant) => fastest(variant)!.p50;
  return passing
    .filter((one) => !passing.some((other) => other !== one && dominates(other, one)))
    .sort((a, b) => a.measured.size - b.measured.size);

  function dominates(a: Variant, b: Variant): boolean {
    const noWorse = a.measured.size <= b.measured.size && ms(a) <= ms(b);
    return noWorse && (a.measured.size < b.measured.size || ms(a) < ms(b));
  }
}

export function failuresOf(gate: Gate, figures: Figures | undefined): string[] {
  return figures ? gateFailures(gate, figures) : [];
}

function least<T>(items: readonly T[], value: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>(
    (best, item) => (best !== undefined && value(best) <= value(item) ? best : item),
    undefined,
  );
}
