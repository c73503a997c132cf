// What a newcomer does: glowplug init in an empty folder, then npm test there, against the package as it would be published.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../root.ts';

const run = promisify(execFile);
const modules = join(root, 'node_modules');

describe('a new app', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-new-app-'));
    await packInto(join(folder, 'package'));
  }, 180_000);
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  it('passes its own test, its types and its synth', async () => {
    const cli = join(folder, 'package/dist/cli/main.js');
    await node([cli, 'init', 'demo', '--yes', '--no-install'], folder);
    const demo = join(folder, 'demo');
    await install(demo);
    await node([cli, 'lock'], demo);
    await node([cli, 'lock', '--check'], demo);
    await node([join(modules, 'typescript/bin/tsc')], demo);
    const { stdout } = await node([join(modules, 'vitest/vitest.mjs'), 'run'], demo);
    expect(stdout).toMatch(/1 passed/);

    // Its prod has what lets a team sleep, and is looked at before there is a key.
    const out = join(demo, 'cdk.out');
    const context = JSON.stringify({ 'glowplug:stage': 'prod', 'aws:cdk:disable-asset-staging': true });
    await node(['infra/app.ts'], demo, { CDK_OUTDIR: out, CDK_CONTEXT_JSON: context });
    const prod = await readFile(join(out, 'demo-prod-functions.template.json'), 'utf8');
    for (const has of [
      'CloudWatch::CompositeAlarm',
      'CloudWatch::Dashboard',
      'CodeDeploy::DeploymentGroup',
      'SignedModels',
    ])
      expect(prod).toContain(has);
  }, 300_000);

  /** As npm would publish it, but for the tarball; its dependencies are those that are installed here. */
  async function packInto(target: string): Promise<void> {
    await mkdir(target);
    const build = ['-p', 'tsconfig.build.json', '--outDir', join(target, 'dist')];
    await node([join(modules, 'typescript/bin/tsc'), ...build], root);
    const json = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    for (const name of json.files) {
      if (name !== 'dist') await cp(join(root, name), join(target, name), { recursive: true });
    }
    await writeFile(join(target, 'package.json'), JSON.stringify(json));
    await symlink(modules, join(target, 'node_modules'));
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: target });
    const paths: string[] = JSON.parse(stdout)[0].files.map(({ path }: { path: string }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(['dist/cli/main.js', 'templates/app/gitignore', 'templates/iris.onnx']),
    );
  }

  /** What npm install would: the package, and the tools that the app asks for, from here. */
  async function install(demo: string): Promise<void> {
    const asked = JSON.parse(await readFile(join(demo, 'package.json'), 'utf8')).devDependencies;
    const hoisted = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).dependencies;
    for (const [name, target] of [
      ...Object.keys({ ...asked, ...hoisted, 'onnxruntime-common': '' }).map(
        (each) => [each, join(modules, each)] as const,
      ),
      ['glowplug', join(folder, 'package')] as const,
    ]) {
      const link = join(demo, 'node_modules', name);
      await mkdir(dirname(link), { recursive: true });
      await symlink(target, link);
    }
  }
});

/** Under this Node, outside of the tests' own settings: what is asked must come from the new app alone. */
async function node(args: readonly string[], cwd: string, more: object = {}): Promise<{ stdout: string }> {
  const { PATH, HOME, TMPDIR } = process.env;
  const own = {
    ...(HOME ? { HOME } : {}),
    ...(TMPDIR ? { TMPDIR } : {}),
    ...(PATH ? { PATH } : {}),
    CI: 'true',
    ...more,
  };
  return await run(process.execPath, [...args], { cwd, env: own, maxBuffer: 10 ** 7 }).catch((error: unknown) => {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${args.join(' ')}:\n${stdout}\n${stderr}`);
  });
}
