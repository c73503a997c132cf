// Published versions and aliases of a template's functions.
import type { FunctionAlias } from '../runtime/function-spec.ts';
import { type Deployment, Evaluator, type Stack } from './intrinsics.ts';
import { at, isObject, type Json, resourcesOf, stringAt } from './json.ts';
import { onlyVersion } from './physical.ts';

export function readVersions(
  functionId: string,
  stack: Stack,
  deployment: Deployment,
): { versions?: readonly string[]; aliases?: readonly FunctionAlias[] } {
  const evaluator = new Evaluator(deployment, stack);
  const of = (type: string) =>
    resourcesOf(stack.template, type).filter(([, resource]) =>
      refersTo(at(resource, 'Properties', 'FunctionName'), functionId),
    );
  const aliases = of('AWS::Lambda::Alias').map(([id, resource]): FunctionAlias => {
    const value = (...path: string[]) => evaluator.evaluate(at(resource, 'Properties', ...path) ?? null);
    const additional = value('RoutingConfig', 'AdditionalVersionWeights');
    const others = (Array.isArray(additional) ? additional : []).map((each) => ({
      version: `${at(each, 'FunctionVersion')}`,
      weight: Number(at(each, 'FunctionWeight')),
    }));
    const rest = 1 - others.reduce((sum, { weight }) => sum + weight, 0);
    return {
      name: stringAt(value('Name') ?? null) ?? id,
      weights: [{ version: `${value('FunctionVersion')}`, weight: rest }, ...others],
    };
  });
  const versions = new Set([
    ...of('AWS::Lambda::Version').map(() => onlyVersion),
    ...aliases.flatMap(({ weights }) => weights.map(({ version }) => version)),
  ]);
  return {
    ...(versions.size > 0 ? { versions: [...versions] } : {}),
    ...(aliases.length > 0 ? { aliases } : {}),
  };
}

function refersTo(value: Json | undefined, id: string): boolean {
  return (
    isObject(value) && (value['Ref'] === id || (Array.isArray(value['Fn::GetAtt']) && value['Fn::GetAtt'][0] === id))
  );
}
