// Whether another version can stand in for the one that a function was compiled against.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Signature, TensorSpec } from '../core/signature.ts';

/**
 * The other takes every input that the first takes, and answers with every output that the first answers with.
 *
 * @throws GlowplugError MODEL_UNSUPPORTED naming the first difference
 */
export function accepts(first: Signature, other: Signature): void {
  const inputs = Object.keys(first.inputs);
  const more = Object.keys(other.inputs).find((name) => !Object.hasOwn(first.inputs, name));
  if (more !== undefined) throw differs(`inputs ${shorten(inputs)}`, `one more: ${shorten(more)}`);
  for (const name of inputs) fits('input', name, first.inputs[name]!, other.inputs[name], takes);
  for (const [name, spec] of Object.entries(first.outputs)) fits('output', name, spec, other.outputs[name], gives);
}

type Rule = (first: number | string, other: number | string) => boolean;
/** A free dimension takes any length. */
const takes: Rule = (first, other) => typeof other === 'string' || first === other;
/** Whoever expects a free dimension expects any length. */
const gives: Rule = (first, other) => typeof first === 'string' || first === other;

function fits(what: string, name: string, first: TensorSpec, other: TensorSpec | undefined, rule: Rule): void {
  const same =
    other !== undefined &&
    other.datatype === first.datatype &&
    other.shape.length === first.shape.length &&
    first.shape.every((length, axis) => rule(length, other.shape[axis]!));
  if (!same) throw differs(`${what} ${shorten(name)} as ${shorten(first)}`, other ? shorten(other) : 'none');
}

function differs(expected: string, got: string): GlowplugError {
  return new GlowplugError('MODEL_UNSUPPORTED', `expected ${expected}, got ${got}`, {
    remedy:
      'Lock the new version (glowplug lock), compile the function against it, and deploy: its signature is another.',
  });
}
