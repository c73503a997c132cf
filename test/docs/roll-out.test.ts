// The guide's page on rolling out: its script compiles, and prints what the page says, of a rollout that ends and of one that goes
// back; its commands do what it says, with the state machine as it is synthesised.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeEach, expect, it } from 'vitest';
import iris from '../../models/iris.ts';
import { ChannelRollout, InferenceFunction, ModelStore, Rollout } from '../../src/cdk/index.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { publish } from '../../src/models/publish.ts';
import { resolve } from '../../src/models/resolve.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { tag } from '../../src/models/tag.ts';
import { answerRollout } from '../../src/ops/rollout/handler.ts';
import { buildVersion } from '../../src/release/build-version.ts';
import { runStateMachine } from '../cdk/run-state-machine.ts';
import { runCommand } from '../cli/run-command.ts';
import { root } from '../root.ts';

// Inside the repository, so that `glowplug` is found as the package itself finds it.
const app = join(root, '.glowplug', 'docs', 'roll-out');
const page = readFileSync(join(root, 'docs/guide/12-roll-out.md'), 'utf8');
const store = folderStore(join(app, 'store'));
const blocks = (kind: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${kind}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text);

beforeEach(async () => {
  rmSync(app, { recursive: true, force: true });
  mkdirSync(app, { recursive: true });
  for (const [version, to] of [
    ['1.0.0', 'prod'],
    ['1.1.0', undefined],
  ] as const) {
    await publish(store, await buildVersion({ ...iris, version }, root));
    if (to) await tag(store, 'iris', { from: version, to });
  }
});
afterAll(() => rmSync(app, { recursive: true, force: true }));

it('its script compiles, goes back at the alarm and leaves the channel where it was, then goes all the way', async () => {
  writeFileSync(join(app, 'roll-out.ts'), blocks('ts file=roll-out\\.ts')[0] ?? '');
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['.'] }));
  await tag(store, 'iris', { from: '1.1.0', to: 'candidate' });
  expect(node(join(root, 'node_modules/typescript/bin/tsc'), '-p', app)).toBe('');
  const [back, done] = blocks('text').filter((text) => text.includes('shifting'));
  expect(node('roll-out.ts', 'iris', 'errors')).toBe(back);
  expect((await resolve(store, 'iris:prod')).version).toBe('1.0.0');
  expect(node('roll-out.ts', 'iris')).toBe(done);
  expect((await resolve(store, 'iris:prod')).version).toBe('1.1.0');
  const failed = (model: string) =>
    spawnSync(process.execPath, ['--conditions=glowplug-source', 'roll-out.ts', model], { cwd: app, encoding: 'utf8' });
  const same = 'expected iris:candidate to name another version than iris:prod\n';
  expect(failed('iris')).toMatchObject({ status: 1, stdout: '', stderr: same });
  expect(failed('irs').stderr).toMatch(/^expected irs:candidate in .*\n$/);
}, 60_000);

it('its commands tag, start, tell and take back', async () => {
  const template = machine();
  expect(page).toContain('`IrisChannelArn…`');
  const [, output] = Object.entries(template.findOutputs('*')).find(([id]) => id.startsWith('IrisChannelArn')) ?? [];
  expect(output?.['Value'].Ref).toMatch(/Machine/);
  const printed: string[] = [];
  for (const line of blocks('sh').join('').trim().split('\n')) {
    const [program, ...args] = (line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) =>
      word.replace(/^["'](.*)["']$/, '$1'),
    );
    if (program === 'aws') {
      expect(args.slice(0, 4)).toEqual(['stepfunctions', 'start-execution', '--state-machine-arn', '$MACHINE']);
      const input = JSON.parse(args[args.indexOf('--input') + 1] ?? '');
      const ended = await runStateMachine(template, input, {
        task: async (resource, parameters) =>
          resource.endsWith(':describeAlarms')
            ? { MetricAlarms: [] }
            : await answerRollout(Object(parameters), { store: async () => store, api: () => expect.unreachable() }),
      });
      expect(ended).toMatchObject({ status: 'SUCCEEDED' });
      continue;
    }
    expect([program, line]).toEqual(['glowplug', expect.any(String)]);
    const inStore = args.map((arg) => (arg === 's3://my-models' ? join(app, 'store') : arg));
    const { stdout, stderr, exitCode } = await runCommand(buildProgram(), ...inStore);
    expect([line, exitCode, stderr]).toEqual([line, 0, '']);
    printed.push(stdout);
  }
  const [, history, back] = printed;
  const told = blocks('text').filter((text) => !text.includes('%'));
  expect(told.map((text) => text.split('\n').length)).toEqual([4, 2]);
  expect(history).toMatch(pattern(told[0]));
  expect(back).toMatch(pattern(told[1]));
  expect((await resolve(store, 'iris:prod')).version).toBe('1.0.0');
}, 60_000);

it('shows a picture that the rollout in the local cloud drew', () => {
  expect(page).toContain('](roll-out.svg)');
  const picture = readFileSync(join(root, 'docs/guide/roll-out.svg'), 'utf8');
  for (const text of ['10 %', '50 %', 'went back: errors', 'done']) expect(picture).toContain(text);
});

/** The constructs of the page, around this repository's iris. */
function machine(): Template {
  const out = new App({ outdir: join(app, 'cdk.out'), context: { 'aws:cdk:disable-asset-staging': true } });
  const models = new ModelStore(new Stack(out, 'models'), 'ModelStore');
  const stack = new Stack(out, 'functions');
  const entry = join(root, 'functions/iris/function.ts');
  const of = new InferenceFunction(stack, 'Iris', { entry, store: models, alias: 'live' });
  const { alarms } = new Rollout(stack, 'IrisRollout', { function: of });
  new ChannelRollout(stack, 'IrisChannel', { function: of, store: models, alarms });
  return Template.fromStack(stack);
}

function node(...args: string[]): string {
  return execFileSync(process.execPath, ['--conditions=glowplug-source', ...args], { cwd: app, encoding: 'utf8' });
}

/** `…` stands for whatever came. */
function pattern(text = ''): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('…', '.*')}$`);
}
