// One InferenceFunction for each folder under functions/ that holds a function.ts.
import { CfnOutput, type Environment, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type FunctionSource, InferenceDashboard, InferenceFunction, type ModelStore, Rollout } from 'glowplug/cdk';
import type { Config } from '../config.ts';

interface FunctionsStackProps {
  readonly config: Config;
  readonly env: Environment;
  readonly store: ModelStore;
  readonly functions: readonly FunctionSource[];
}

export class FunctionsStack extends Stack {
  constructor(scope: Construct, id: string, { config, env, store, functions }: FunctionsStackProps) {
    super(scope, id, { env, description: `glowplug ${config.stage}: the functions` });
    const { stage, architecture } = config;
    const all = functions.map(({ name, entry }) => {
      const settings = config.functions[name] ?? {};
      const id = pascalCase(name);
      const made = new InferenceFunction(this, id, { entry, store, stage, architecture, alias: 'live', ...settings });
      new CfnOutput(made, 'Url', { value: made.url.url, description: `URL of ${name}; requests are signed with IAM` });
      return { id, made };
    });
    const dashboard = config.dashboard
      ? new InferenceDashboard(this, 'Dashboard', { functions: all.map(({ made }) => made) })
      : undefined;
    if (!config.rollouts) return;
    for (const { id, made } of all) {
      const alarms = dashboard ? [dashboard.slos(made).availability.fastShort] : [];
      new Rollout(this, `${id}Rollout`, { function: made, alarms });
    }
  }
}

/** `line-items` → `LineItems`: construct ids become CloudFormation's logical ids. */
function pascalCase(name: string): string {
  return name.replace(/(?:^|[^a-zA-Z0-9]+)([a-zA-Z0-9])/g, (_all, first: string) => first.toUpperCase());
}
