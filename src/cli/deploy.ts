// glowplug deploy: the store, the versions, the lock file, the pins, the functions, in this order.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { readContract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { mustHaveCredentials } from '../models/stores/must-have-credentials.ts';
import { openStore } from '../models/stores/open-store.ts';
import { type DeployPlan, type DeploySteps, deploy as deployPlan } from '../release/deploy.ts';
import { loadDefinitions } from '../release/load-definitions.ts';
import { type ActorOptions, actor, actorOptions } from './actor.ts';
import { readDeployPlan } from './deploy-plan.ts';
import { command, printJson, printLine, printProgress } from './print.ts';
import { transferProgress } from './progress.ts';
import { readSigner } from './read-signer.ts';
import { type RunCdk, runCdk } from './run-cdk.ts';

interface Options extends ActorOptions {
  readonly stage: string;
  readonly as?: string;
  readonly sign?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** `cdk` is what touches AWS beside the store itself: tests hand in their own. */
export function deployCommand(cdk: RunCdk = runCdk): Command {
  const it = new Command('deploy')
    .description(
      'Deploy the app in order: the store’s stack, the versions of models/*.ts, the check of models.lock.json, the pins, the functions’ stacks. Says first what it will do; after a failure, run it again.',
    )
    .option('--stage <stage>', 'dev, staging or prod: the context glowplug:stage of the app', stageName, 'dev')
    .option('--as <channel>', 'also move this channel to each published version')
    .option('--sign <keyfile>', 'sign each version with a key of glowplug keygen');
  return actorOptions(it)
    .option('--dry-run', 'synthesise, say what would be done, and do none of it')
    .option('--yes', 'do it without asking')
    .option('--json', 'print the plan (with --dry-run) or the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug deploy --stage dev --dry-run\n  glowplug deploy --stage prod --sign ci-2026.key.json --yes\n\nExit codes: 0 deployed, or nothing was to be done; 1 failed, or it was not agreed to; 2 usage.',
    )
    .action(command((options: Options) => deploy(options, cdk)));
}

async function deploy(options: Options, cdk: RunCdk): Promise<void> {
  const root = process.cwd();
  const signer = options.sign ? await readSigner(options.sign) : undefined;
  // One a stage, made anew: what a deploy that was killed left there goes with the next.
  const folder = join(root, '.glowplug', 'deploy', options.stage);
  await rm(folder, { recursive: true, force: true });
  printProgress(`synthesising stage ${options.stage}`);
  const context = ['--context', `glowplug:stage=${options.stage}`];
  await cdk(root, ['synth', '--quiet', '--no-notices', '--output', folder, ...context]);
  const plan = await readDeployPlan(folder);
  const described = await describe(root, plan, options);
  if (options.dryRun && options.json) return printJson({ stage: options.stage, steps: described, ...plan });
  if (!options.json) printSteps(options.stage, described);
  if (options.dryRun) return;
  await mustHaveCredentials();
  if (!options.yes) await mustAgree(options.stage);

  const progress = transferProgress();
  const { stores } = await deployPlan(plan, {
    root,
    steps: stepsWith(cdk, root, folder),
    ...(options.as === undefined ? {} : { as: options.as, ...actor(options) }),
    ...(signer ? { signer } : {}),
    onStep(step) {
      progress.end();
      printProgress(step);
    },
    onTransfer: (version, transfer) => progress.tell(version, transfer),
  });
  progress.end();
  if (options.json) return printJson({ stage: options.stage, stores });
  printLine(`${pc.green('deployed')}  ${pc.bold(options.stage)}  ${stores.join(', ')}`);
}

/** The assembly that was looked at is the one that is deployed. */
function stepsWith(cdk: RunCdk, root: string, folder: string): DeploySteps {
  return {
    async deployStacks(stacks) {
      const outputs = join(folder, 'outputs.json');
      await rm(outputs, { force: true });
      const never = ['--require-approval', 'never', '--exclusively'];
      await cdk(root, ['deploy', ...stacks, '--app', folder, '--no-notices', ...never, '--outputs-file', outputs]);
      return JSON.parse(await readFile(outputs, 'utf8'));
    },
    openStore: async (location, region) =>
      await openStore(
        readContract({ ...process.env, GLOWPLUG_STORE: location, ...(region ? { AWS_REGION: region } : {}) }),
      ),
  };
}

async function describe(root: string, { stores, stacks }: DeployPlan, { as, sign }: Options): Promise<string[]> {
  const versions = (await loadDefinitions(root)).map(({ name, version }) => `${name}:${version}`);
  const pinned = new Set(stacks.flatMap(({ pins }) => pins.map(({ model, version }) => `${model}:${version}`)));
  return [
    `deploy ${stores.map(({ stack, region }) => (region ? `${stack} (${region})` : stack)).join(', ')}`,
    `publish ${versions.join(', ') || 'nothing: there is no models/*.ts'}${sign ? ', signed' : ''}${as === undefined ? '' : `, and move ${as} there`}`,
    `check models.lock.json${stores.some(({ signed }) => signed) ? ' and the signatures it rests on' : ''}`,
    `pin ${[...pinned].sort().join(', ') || 'nothing'}, each of whose blobs must be there`,
    `deploy ${stacks.map(({ stack }) => stack).join(', ') || 'nothing more'}`,
    'take away the pins of what ran before',
  ];
}

function printSteps(stage: string, steps: readonly string[]): void {
  printLine(`Stage ${pc.bold(stage)}:`);
  for (const [index, step] of steps.entries()) printLine(`  ${index + 1}. ${step}`);
}

async function mustAgree(stage: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new GlowplugError('CONFIG_INVALID', 'expected --yes where nobody can be asked', {
      remedy: `glowplug deploy --stage ${stage} --yes`,
    });
  }
  const { confirm } = await import('@clack/prompts');
  if ((await confirm({ message: 'Do it?' })) === true) return;
  throw new GlowplugError('CONFIG_INVALID', 'it was not agreed to; nothing was done', {
    remedy: 'Nothing is to be mended.',
  });
}

/** It names a folder, too. */
function stageName(text: string): string {
  if (/^[a-z][a-z0-9-]{0,31}$/.test(text)) return text;
  throw new InvalidArgumentError('expected a stage, such as dev, staging or prod');
}
