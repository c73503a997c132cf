// Everything a stage has: in each of its regions a store and, after it, the functions.
import { type App, Tags } from 'aws-cdk-lib';
import type { FunctionSource } from 'glowplug/cdk';
import type { Config } from '../config.ts';
import { FunctionsStack } from './functions-stack.ts';
import { StoreStack } from './store-stack.ts';

export function addStacks(app: App, config: Config, functions: readonly FunctionSource[]): void {
  const { account, regions } = config;
  for (const region of regions) {
    const name = regions.length > 1 ? `${config.name}-${region}` : config.name;
    const env = { ...(account ? { account } : {}), ...(region ? { region } : {}) };
    const { store } = new StoreStack(app, `${name}-store`, { config, env });
    new FunctionsStack(app, `${name}-functions`, { config, env, store, functions });
  }
  for (const [key, value] of Object.entries(config.tags)) Tags.of(app).add(key, value);
}
