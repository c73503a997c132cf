// What a deployment can choose, read from CDK's context (`-c glowplug:stage=prod`, or cdk.json) and checked.
import { type Architecture, architectures, GlowplugError } from 'glowplug/cdk';

export const stages = ['dev', 'staging', 'prod'] as const;
export type Stage = (typeof stages)[number];

export interface Config {
  readonly stage: Stage;
  readonly architecture: Architecture;
}

const defaults: Config = { stage: 'dev', architecture: 'x86_64' };

/** Throws CONFIG_INVALID for a value that is not one of the choices. */
export function readConfig(context: (key: string) => unknown): Config {
  return {
    stage: oneOf(stages, 'glowplug:stage', context) ?? defaults.stage,
    architecture: oneOf(architectures, 'glowplug:architecture', context) ?? defaults.architecture,
  };
}

function oneOf<T extends string>(choices: readonly T[], key: string, context: (key: string) => unknown): T | undefined {
  const value = context(key);
  if (value === undefined) return undefined;
  const choice = choices.find((one) => one === value);
  if (choice) return choice;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `context ${key}: expected ${choices.join(', ')}, got ${JSON.stringify(value)}`,
    { remedy: `cdk synth -c ${key}=${choices[0]}, or set it under "context" in cdk.json.` },
  );
}
