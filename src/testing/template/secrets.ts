// The secrets of a template: those whose value it holds, and those whose value is made when they are deployed.
import { GlowplugError } from '../../core/errors.ts';
import { type Deployment, Evaluator, type Stack } from './intrinsics.ts';
import { at, type Json, resourcesOf, stringAt } from './json.ts';

export interface SecretSpec {
  /** The logical id in the template. */
  readonly id: string;
  readonly arn: string;
  readonly name: string;
  /** What is made is of so many characters; `template` is JSON that gets it as `key`. */
  readonly value: string | { readonly length: number; readonly template?: string; readonly key?: string };
}

/** One whose value only AWS can know is not there for who asks. */
export function readSecrets(stack: Stack, deployment: Deployment): SecretSpec[] {
  const evaluator = new Evaluator(deployment, stack);
  return resourcesOf(stack.template, 'AWS::SecretsManager::Secret').flatMap(([id, resource]) => {
    try {
      const arn = `${evaluator.evaluate({ Ref: id })}`;
      const given = at(resource, 'Properties', 'SecretString');
      const value = given === undefined ? made(resource) : `${evaluator.evaluate(given)}`;
      return [{ id, arn, name: arn.replace(/^.*:secret:|-[^-]*$/g, ''), value }];
    } catch (error) {
      if (error instanceof GlowplugError) return [];
      throw error;
    }
  });
}

function made(resource: Json): SecretSpec['value'] {
  const how = at(resource, 'Properties', 'GenerateSecretString');
  const [template, key] = [stringAt(how, 'SecretStringTemplate'), stringAt(how, 'GenerateStringKey')];
  return { length: Number(at(how, 'PasswordLength') ?? 32), ...(template && key ? { template, key } : {}) };
}
