// One InferenceFunction for each folder under functions/ that holds a function.ts.
import { CfnOutput, type Environment, Stack } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import {
  type FunctionSource,
  InferenceDashboard,
  InferenceFunction,
  type ModelStore,
  QualityMonitor,
  Rollout,
} from 'glowplug/cdk';
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
      const { quality, queue, ...settings } = config.functions[name] ?? {};
      const id = pascalCase(name);
      const made = new InferenceFunction(this, id, {
        entry,
        store,
        stage,
        architecture,
        alias: 'live',
        ...settings,
        ...(queue ? { queue: {} } : {}),
      });
      const output = (key: string, value: string, description: string) =>
        new CfnOutput(made, key, { value, description });
      output('Url', made.url.url, `URL of ${name}; requests are signed with IAM`);
      if (made.queue) {
        output('Jobs', made.queue.queue.queueUrl, `where ${name} takes requests that nobody waits for`);
        output('DeadLetters', made.queue.deadLetterQueue.queueUrl, `requests that ${name} could not answer`);
        output('Results', made.queue.location, `answers of ${name} to what came through its queue`);
      }
      const monitor = quality ? [new QualityMonitor(this, `${id}Quality`, { function: made })] : [];
      return { id, made, monitor };
    });
    const dashboard = config.dashboard
      ? new InferenceDashboard(this, 'Dashboard', {
          functions: all.map(({ made }) => made),
          monitors: all.flatMap(({ monitor }) => monitor),
          page: pageTo(this, config.page),
        })
      : undefined;
    if (!config.rollouts) return;
    for (const { id, made } of all) {
      const alarms = dashboard ? [dashboard.slos(made).availability.fastShort] : [];
      new Rollout(this, `${id}Rollout`, { function: made, alarms });
    }
  }
}

/** Each address gets a mail that asks whether it wants to be told. */
function pageTo(scope: Construct, addresses: readonly string[]): Topic[] {
  if (addresses.length === 0) return [];
  const topic = new Topic(scope, 'Page', { enforceSSL: true });
  for (const address of addresses) topic.addSubscription(new EmailSubscription(address));
  return [topic];
}

/** `line-items` → `LineItems`: construct ids become CloudFormation's logical ids. */
function pascalCase(name: string): string {
  return name.replace(/(?:^|[^a-zA-Z0-9]+)([a-zA-Z0-9])/g, (_all, first: string) => first.toUpperCase());
}
