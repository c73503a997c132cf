// The script at the top of the repository: the last step of `npm run build`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { recipe } from '../../esbuild.config.ts';
import { recipe as exported, findFunctions } from '../../src/build/index.ts';

const root = join(import.meta.dirname, '../..');

it('esbuild.config.ts holds the recipe that glowplug/build exports', () => {
  expect(recipe(root)).toEqual(exported(root));
});

it('esbuild.config.ts bundles every function and says where it is, how large, and what comes from layers', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=glowplug-source', '--disable-warning=ExperimentalWarning', 'esbuild.config.ts'],
    { cwd: root, encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(findFunctions(root).length);
  for (const [index, { name }] of findFunctions(root).entries()) {
    expect(lines[index]).toMatch(
      new RegExp(`^${name}: .glowplug/build/functions/${name}, \\d+ KB, with onnxruntime-node`),
    );
  }
});
