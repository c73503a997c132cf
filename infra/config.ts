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
  /** E-mail addresses that are told when an objective's budget burns or a quality goes. @default nobody: the dashboard shows it */
  readonly page?: readonly string[];
  /** Whose jobs on GitHub may deploy this stage, which has one region then: its role reaches one store. @default nobody's */
  readonly github?: GitHub;
  /** By folder under functions/. */
  readonly functions?: Readonly<Record<string, FunctionSettings>>;
}

export interface GitHub {
  /** `owner/name`; its environment is called as the stage is. */
  readonly repository: string;
  /** ARN of the account's identity provider for GitHub, of which there can be one. @default a new one */
  readonly provider?: string;
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
  /** Whether requests come through an SQS queue as well, and their answers go to a bucket. @default false */
  readonly queue?: boolean;
  /**
   * Whether what its `capture` names is kept, for 30 days, and held every hour against the baseline.json beside it; without one
   * it is only kept, and the first is made of it. @default false: nothing is kept
   */
  readonly quality?: boolean;
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
  readonly page: readonly string[];
  readonly github: GitHub | undefined;
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
    'page',
    'github',
    'functions',
  ]);
  const isProd = stage === 'prod';
  const dashboard = at.yesOrNo('dashboard') ?? stage !== 'dev';
  const regions = at.list('regions', /^[a-z]{2}(-[a-z]+)+-\d$/, 'regions such as eu-west-1') ?? [undefined];
  const suffix = isProd
    ? given.text('glowplug:suffix', /^$/, 'none in prod')
    : given.text('glowplug:suffix', /^[a-z0-9]{1,12}$/, '1 to 12 small letters and digits');
  return {
    stage,
    name: ['glowplug', stage, ...(suffix ? [suffix] : [])].join('-'),
    account: at.text('account', /^\d{12}$/, 'twelve digits'),
    regions,
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
    dashboard,
    page: pageOf(at, dashboard),
    github: gitHubOf(at.inner('github', ['repository', 'provider']), regions.length),
    functions: Object.fromEntries(
      at.inner('functions', functions).entries((name, inner) => {
        const of = inner.inner(name, [
          'memorySize',
          'reservedConcurrency',
          'provisionedConcurrency',
          'streaming',
          'queue',
          'quality',
        ]);
        return {
          ...whole(of, 'memorySize', 128, 10_240),
          ...whole(of, 'reservedConcurrency', 0, 100_000),
          ...whole(of, 'provisionedConcurrency', 1, 100_000),
          ...(of.yesOrNo('streaming') ? { streaming: true } : {}),
          ...(of.yesOrNo('queue') ? { queue: true } : {}),
          ...(of.yesOrNo('quality') ? { quality: true } : {}),
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

/** The dashboard has the alarms: without it the addresses would never be told of anything. */
function pageOf(at: Checked, dashboard: boolean): readonly string[] {
  const page = at.list('page', /^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'e-mail addresses such as ops@example.com') ?? [];
  if (page.length === 0 || dashboard) return page;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `${at.path}.page: expected a dashboard, which has the alarms; there is none`,
    {
      remedy: 'Write dashboard: true beside it, or leave page out.',
    },
  );
}

function gitHubOf(at: Checked, regions: number): GitHub | undefined {
  const repository = at.text('repository', /^[\w.-]+\/[\w.-]+$/, 'owner/name');
  const provider = at.text('provider', /^arn:[\w-]+:iam::\d{12}:oidc-provider\/\S+$/, 'the ARN of a provider');
  if (repository === undefined) return undefined;
  if (regions > 1) {
    throw new GlowplugError('CONFIG_INVALID', `${at.path}: expected a stage of one region, it has ${regions}`, {
      remedy:
        'Deploy the others by hand, or give each region a ModelPipeline of its own (infra/stacks/store-stack.ts).',
    });
  }
  return { repository, ...(provider ? { provider } : {}) };
}

function whole(of: Checked, key: keyof FunctionSettings, least: number, most: number): FunctionSettings {
  const value = of.whole(key, least, most);
  return value === undefined ? {} : { [key]: value };
}

function fromContext(key: string, choices: readonly string[]): string {
  return `cdk synth -c ${key}=${choices[0]}, or set it under "context" in cdk.json.`;
}
