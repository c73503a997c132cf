// What a deployment is: a stage of infra/stages.ts, chosen by CDK's context (`-c glowplug:stage=prod`, or cdk.json), checked.
import { type Architecture, architectures, GlowplugError } from 'glowplug/cdk';
import { Checked } from './checked.ts';

export const stageNames = ['dev', 'staging', 'prod'] as const;
export type Stage = (typeof stageNames)[number];
export type Stages = Readonly<Record<Stage, StageSettings>>;

export interface StageSettings {
  /** Twelve digits. @default the account of the credentials */
  readonly account?: string;
  /** A store and the functions in each. @default the region of the environment */
  readonly regions?: readonly string[];
  /** @default x86_64 */
  readonly architecture?: Architecture;
  /** On everything that can carry them, beside `app` and `stage`. @default none */
  readonly tags?: Readonly<Record<string, string>>;
  /** Whether the store outlives its stack. @default true in prod, where it cannot be false */
  readonly keepModels?: boolean;
  /** Whether functions are deployed with signed models alone. @default true in prod, where it cannot be false */
  readonly signedModels?: boolean;
  /** Whether new code comes in by shares and goes back at an alarm. @default true in prod */
  readonly rollouts?: boolean;
  /** Whether there is a dashboard, with objectives as alarms. @default true in staging and prod */
  readonly dashboard?: boolean;
  /** By folder under functions/. */
  readonly functions?: Readonly<Record<string, FunctionSettings>>;
}

/** The props of InferenceFunction that differ between stages. */
export interface FunctionSettings {
  /** MB. @default 1769, one vCPU */
  readonly memorySize?: number;
  /** @default what the account has left */
  readonly reservedConcurrency?: number;
  /** @default none */
  readonly provisionedConcurrency?: number;
  /** Whether its URL sends the answer as it is made: for a predict that yields. @default false */
  readonly streaming?: boolean;
}

export interface Config {
  readonly stage: Stage;
  /** What its stacks' names begin with. */
  readonly name: string;
  readonly account: string | undefined;
  /** Undefined: the environment's. */
  readonly regions: readonly (string | undefined)[];
  readonly architecture: Architecture;
  readonly tags: Readonly<Record<string, string>>;
  readonly keepModels: boolean;
  readonly signedModels: boolean;
  readonly rollouts: boolean;
  readonly dashboard: boolean;
  readonly functions: Readonly<Record<string, FunctionSettings>>;
}

/**
 * `context` is all of CDK's; `functions` are the names of the app's.
 *
 * @throws GlowplugError CONFIG_INVALID for a word that is unknown, or a value that cannot be
 */
export function readConfig(
  context: Readonly<Record<string, unknown>>,
  stages: unknown,
  functions: readonly string[],
): Config {
  const chosen = Object.fromEntries(Object.entries(context).filter(([key]) => key.startsWith('glowplug:')));
  const given = new Checked(
    'context',
    chosen,
    ['glowplug:stage', 'glowplug:architecture', 'glowplug:suffix'],
    fromContext,
  );
  const stage = given.oneOf('glowplug:stage', stageNames) ?? 'dev';
  const all = new Checked('stages', stages, stageNames);
  const at = all.inner(stage, [
    'account',
    'regions',
    'architecture',
    'tags',
    'keepModels',
    'signedModels',
    'rollouts',
    'dashboard',
    'functions',
  ]);
  const isProd = stage === 'prod';
  const suffix = isProd
    ? given.text('glowplug:suffix', /^$/, 'none in prod')
    : given.text('glowplug:suffix', /^[a-z0-9]{1,12}$/, '1 to 12 small letters and digits');
  return {
    stage,
    name: ['glowplug', stage, ...(suffix ? [suffix] : [])].join('-'),
    account: at.text('account', /^\d{12}$/, 'twelve digits'),
    regions: at.list('regions', /^[a-z]{2}(-[a-z]+)+-\d$/, 'regions such as eu-west-1') ?? [undefined],
    architecture:
      given.oneOf('glowplug:architecture', architectures) ?? at.oneOf('architecture', architectures) ?? 'x86_64',
    tags: { app: 'glowplug', stage, ...at.texts('tags') },
    keepModels: always(isProd, at, 'keepModels', 'deleting its stack would delete every model that production runs'),
    signedModels: always(
      isProd,
      at,
      'signedModels',
      'whoever can write to the store could make production run a model',
    ),
    rollouts: at.yesOrNo('rollouts') ?? isProd,
    dashboard: at.yesOrNo('dashboard') ?? stage !== 'dev',
    functions: Object.fromEntries(
      at.inner('functions', functions).entries((name, inner) => {
        const of = inner.inner(name, ['memorySize', 'reservedConcurrency', 'provisionedConcurrency', 'streaming']);
        return {
          ...whole(of, 'memorySize', 128, 10_240),
          ...whole(of, 'reservedConcurrency', 0, 100_000),
          ...whole(of, 'provisionedConcurrency', 1, 100_000),
          ...(of.yesOrNo('streaming') ? { streaming: true } : {}),
        };
      }),
    ),
  };
}

function always(isProd: boolean, at: Checked, key: 'keepModels' | 'signedModels', reason: string): boolean {
  const value = at.yesOrNo(key);
  if (!isProd) return value ?? false;
  if (value !== false) return true;
  throw new GlowplugError('CONFIG_INVALID', `${at.path}.${key}: expected true in prod, got false`, {
    remedy: `Leave it out: ${reason}.`,
  });
}

function whole(of: Checked, key: keyof FunctionSettings, least: number, most: number): FunctionSettings {
  const value = of.whole(key, least, most);
  return value === undefined ? {} : { [key]: value };
}

function fromContext(key: string, choices: readonly string[]): string {
  return `cdk synth -c ${key}=${choices[0]}, or set it under "context" in cdk.json.`;
}
