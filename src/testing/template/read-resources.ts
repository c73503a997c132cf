// Resources of a template as the front doors read them: what only AWS can know leaves out who needs it, and stops nothing else.
import { GlowplugError } from '../../core/errors.ts';
import type { FunctionSpec } from '../runtime/function-spec.ts';
import { type Deployment, Evaluator, type Stack } from './intrinsics.ts';
import { at, type Json, resourcesOf } from './json.ts';

export interface ReadResource {
  /** The logical id. */
  readonly id: string;
  /** What Ref gives. */
  readonly name: Json | undefined;
  /** A property, evaluated; undefined where there is none, or none that is known here. */
  value(...path: string[]): Json | undefined;
}

export interface Skipped {
  readonly name: string;
  readonly reason: string;
}

export type Named = Pick<FunctionSpec, 'name' | 'functionName'>;

export function readResources(stack: Stack, deployment: Deployment, type: string): ReadResource[] {
  const evaluator = new Evaluator(deployment, stack);
  return resourcesOf(stack.template, type).map(([id, resource]) => ({
    id,
    name: known(evaluator, { Ref: id }),
    value: (...path) => known(evaluator, at(resource, 'Properties', ...path)),
  }));
}

/** The function of an ARN, or of a URI with one, and its version or alias; $LATEST where it names none. */
export function functionIn(
  arn: Json | undefined,
  functions: readonly Named[],
): { readonly functionName: string; readonly qualifier: string } | undefined {
  const [, name, qualifier = '$LATEST'] = /:function:([\w-]+)(?::([\w$-]+))?/.exec(`${arn}`) ?? [];
  const target = functions.find((each) => each.functionName === name);
  return target && { functionName: target.name, qualifier };
}

function known(evaluator: Evaluator, value: Json | undefined): Json | undefined {
  try {
    return value === undefined ? undefined : evaluator.evaluate(value);
  } catch (error) {
    if (error instanceof GlowplugError) return undefined;
    throw error;
  }
}
