// One InferenceFunction for each folder under functions/ that holds a function.ts.
import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { findFunctions, InferenceFunction, type ModelStore } from 'glowplug/cdk';
import type { Config } from '../config.ts';

interface FunctionsStackProps {
  readonly config: Config;
  readonly store: ModelStore;
}

export class FunctionsStack extends Stack {
  constructor(scope: Construct, id: string, { config, store }: FunctionsStackProps) {
    super(scope, id, { description: `glowplug ${config.stage}: the functions` });
    for (const { name, entry } of findFunctions()) {
      const made = new InferenceFunction(this, pascalCase(name), { entry, store, ...config });
      new CfnOutput(made, 'Url', { value: made.url.url, description: `URL of ${name}; requests are signed with IAM` });
    }
  }
}

/** `line-items` → `LineItems`: construct ids become CloudFormation's logical ids. */
function pascalCase(name: string): string {
  return name.replace(/(?:^|[^a-zA-Z0-9]+)([a-zA-Z0-9])/g, (_all, first: string) => first.toUpperCase());
}
