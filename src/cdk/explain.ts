// Why a permission is as wide as it is: cdk-nag's finding by its exact name, acknowledged with its reason.
import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** `resource` as the policy has it: `*`, or an ARN with tokens inside. */
export function explainWildcard(scope: IConstruct, resource: string, reason: string): void {
  Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Resource::${flatArn(scope, resource)}]`, reason });
}

/** The same, said when names are final: a logical id may be overridden until synthesis, and references between stacks resolve then. */
export function explainAtSynth(scope: IConstruct, resources: () => readonly string[], reason: string): void {
  const validate = () => {
    for (const resource of resources()) explainWildcard(scope, resource, reason);
    return [];
  };
  scope.node.addValidation({ validate });
}

/** An ARN as cdk-nag writes it, seen from the stack of `scope`: what only a deployment knows in angle brackets. */
function flatArn(scope: IConstruct, arn: string): string {
  return flat(Stack.of(scope).resolve(arn));
}

function flat(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const [[name, argument] = ['', undefined]] = Object.entries(value);
  if (name === 'Fn::ImportValue') return flat(argument);
  if (name === 'Fn::Join' && Array.isArray(argument)) return argument[1].map(flat).join(argument[0]);
  return `<${name === 'Fn::GetAtt' && Array.isArray(argument) ? argument.join('.') : String(argument)}>`;
}
