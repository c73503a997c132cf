// The guide's page on deploying: its stages are checked, its app is synthesised. Its plan is compared in test/cli/deploy.test.ts.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readDeployPlan } from '../../src/cli/deploy-plan.ts';
import { root } from '../root.ts';

// Inside the repository, so that `glowplug` is found as the package itself finds it.
const app = join(root, '.glowplug', 'docs', 'deploy');
beforeAll(() => {
  rmSync(app, { recursive: true, force: true });
  const text = readFileSync(join(root, 'docs/guide/4-deploy.md'), 'utf8');
  for (const [, file = '', code = ''] of text.matchAll(/```ts file=(\S+)\n([\s\S]*?)```/g)) {
    mkdirSync(dirname(join(app, file)), { recursive: true });
    writeFileSync(join(app, file), code);
  }
  for (const file of ['config.ts', 'checked.ts']) {
    writeFileSync(join(app, 'infra', file), readFileSync(join(root, 'infra', file)));
  }
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['.'] }));
});
afterAll(() => rmSync(app, { recursive: true, force: true }));

it('compiles, and every stage of it is taken', async () => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  expect(execFileSync(process.execPath, [tsc, '-p', join(app, 'tsconfig.json')], { encoding: 'utf8' })).toBe('');
  const { readConfig } = await import('../../infra/config.ts');
  const { stages } = await import(join(app, 'infra/stages.ts'));
  for (const stage of ['dev', 'staging', 'prod']) {
    expect(readConfig({ 'glowplug:stage': stage }, stages, ['iris', 'ocr']).stage).toBe(stage);
  }
}, 60_000);

it('synthesises an app that can be deployed in order', async () => {
  const out = join(app, 'cdk.out');
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'));
  const settings = { ...context, 'aws:cdk:disable-asset-staging': true };
  execFileSync(
    process.execPath,
    ['--conditions=glowplug-source', '--disable-warning=ExperimentalWarning', join(app, 'app.ts')],
    {
      cwd: root,
      env: { ...process.env, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify(settings) },
    },
  );
  expect(existsSync(join(out, 'manifest.json'))).toBe(true);
  expect(await readDeployPlan(out)).toMatchObject({
    stores: [{ stack: 'models' }],
    stacks: [{ stack: 'functions', store: 'models', pins: [{ model: 'iris' }] }],
  });
}, 60_000);
