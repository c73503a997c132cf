// How often the functions of a template are tried when nobody waits for them, and who is told.
import { type AsyncSettings, defaultAsyncSettings } from '../events/async-invoker.ts';
import type { FunctionSpec } from '../runtime/function-spec.ts';
import { type Deployment, Evaluator, type Stack } from './intrinsics.ts';
import { at, type Json, objectAt, resourcesOf, stringAt } from './json.ts';

/** By the function's name here, and by `name:qualifier` for what one version or alias has; who is not in it has Lambda's defaults. */
export function readAsyncSettings(
  stack: Stack,
  deployment: Deployment,
  functions: readonly FunctionSpec[],
): Map<string, AsyncSettings> {
  const evaluator = new Evaluator(deployment, stack);
  const found = new Map<string, AsyncSettings>();
  const add = (functionName: Json | undefined, qualifier: string, settings: Partial<AsyncSettings>) => {
    const { name } = functions.find((each) => each.functionName === functionName) ?? {};
    if (name) found.set(`${name}${qualifier}`, { ...defaultAsyncSettings, ...found.get(name), ...settings });
  };
  for (const [id, resource] of resourcesOf(stack.template, 'AWS::Lambda::Function')) {
    const target = at(resource, 'Properties', 'DeadLetterConfig', 'TargetArn');
    const deadLetter = target === undefined ? undefined : evaluator.evaluate(target);
    if (typeof deadLetter === 'string') add(evaluator.evaluate({ Ref: id }), '', { deadLetter });
  }
  for (const [, resource] of resourcesOf(stack.template, 'AWS::Lambda::EventInvokeConfig')) {
    const properties = evaluator.evaluate(objectAt(resource, 'Properties'));
    const retries = at(properties, 'MaximumRetryAttempts');
    const age = at(properties, 'MaximumEventAgeInSeconds');
    const onSuccess = stringAt(properties, 'DestinationConfig', 'OnSuccess', 'Destination');
    const onFailure = stringAt(properties, 'DestinationConfig', 'OnFailure', 'Destination');
    add(at(properties, 'FunctionName'), `:${at(properties, 'Qualifier')}`, {
      ...(retries === undefined ? {} : { retries: Number(retries) }),
      ...(age === undefined ? {} : { maxAgeMs: Number(age) * 1000 }),
      ...(onSuccess === undefined ? {} : { onSuccess }),
      ...(onFailure === undefined ? {} : { onFailure }),
    });
  }
  return found;
}
