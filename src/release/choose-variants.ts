// Which variants a definition has once they were measured: those it has that still pass, and those that are best at something.
import { type Outcome, startsOf } from '../optimize/outcome.ts';
import type { VariantDefinition } from './define-model.ts';

export interface VariantChoice {
  readonly outcome: Pick<Outcome, 'variants' | 'recommended'>;
  /** Those of the definition as it is. */
  readonly defined: Readonly<Record<string, VariantDefinition>>;
  /** The variant that the outcome calls fp32. */
  readonly reference: string;
  /** Recipes that are others than before: what was made of the variant beforehand is of the old one. */
  readonly renewed: ReadonlySet<string>;
  /** Whether one that was not measured now passed when it was. */
  readonly passedBefore: (variant: string) => boolean;
}

/** Each with the forms that a cold start takes instead, which are among them; those that are defined first, in their order. */
export function chooseVariants(choice: VariantChoice): Map<string, readonly string[]> {
  const { outcome, defined, reference, renewed, passedBefore } = choice;
  const { variants, recommended } = outcome;
  const measured = new Map(variants.flatMap((one) => (one.candidate ? [[one.name, one]] : [])));
  const named = (name: string) => (name === 'fp32' ? reference : name);
  const baseOf = (name: string) => {
    const of = measured.get(name)?.candidate?.of;
    return of ? named(of) : Object.keys(defined).find((one) => defined[one]?.starts?.includes(name));
  };
  const passes = (name: string) => {
    const now = measured.get(name);
    return now ? now.failures.length === 0 : passedBefore(name) && !renewed.has(baseOf(name) ?? '');
  };
  const needsMore = (name: string) => Number(Boolean((measured.get(name)?.candidate ?? defined[name])?.needs));
  const formsOf = (name: string) => {
    const sooner = startsOf(variants, name === reference ? 'fp32' : name).map((form) => form.name);
    const before = Object.keys(defined).filter((form) => baseOf(form) === name && passes(form));
    // A start takes the first that the processor can run.
    return [...new Set([...sooner, ...before])].sort((a, b) => needsMore(b) - needsMore(a));
  };
  const still = Object.keys(defined).filter((name) => name === reference || (!baseOf(name) && passes(name)));
  const best = Object.values(recommended).map(named);
  const chosen = new Map<string, readonly string[]>();
  for (const name of new Set([...still, reference, ...best])) {
    const forms = formsOf(name);
    chosen.set(name, forms);
    for (const form of forms) chosen.set(form, []);
  }
  const inOrder = Object.keys(defined).filter((name) => chosen.has(name));
  return new Map([...new Set([...inOrder, ...chosen.keys()])].map((name) => [name, chosen.get(name) ?? []]));
}
