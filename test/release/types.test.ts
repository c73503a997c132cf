// models.d.ts does its work: what is fed under a wrong name, or with a wrong element type, does not compile.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { lockTypes } from '../../src/models/lock.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { testApp } from './app.ts';

const repo = resolve(import.meta.dirname, '../..');
const fits = `tensor('FP32', [1, 4], new Float32Array(4))`;

/** A function's predict has this line. */
const lines = {
  right: `await tiny.run({ x: ${fits} });`,
  output: `const { y } = await tiny.run({ x: ${fits} }); const first: bigint | undefined = y.data[0];`,
  'wrong-input': `await tiny.run({ z: ${fits} });`,
  'wrong-type': `await tiny.run({ x: tensor('INT32', [1, 4], new Int32Array(4)) });`,
  'no-input': 'await tiny.run({});',
  'wrong-output': `const { w } = await tiny.run({ x: ${fits} });`,
  'wrong-data': `const { y } = await tiny.run({ x: ${fits} }); const first: number | undefined = y.data[0];`,
};

/** The model of a function that follows, is split and has a shadow: types come from its reference. */
const uses = {
  plain: `'tiny:prod'`,
  followed: `{ model: 'tiny:prod', follow: { every: 60 }, split: { to: 'tiny:prod', percent: 5, by: (request) => request.headers.get('a') }, shadow: { model: 'tiny:prod' } }`,
};

describe('models.d.ts', () => {
  let errors: string[] = [];
  beforeAll(async () => {
    errors = await compile();
  });

  it.each(['right', 'output', 'right-followed', 'output-followed'])('lets %s compile', (name) => {
    expect(errors.filter((error) => error.startsWith(`functions/${name}/`))).toEqual([]);
  });

  it.each([
    ['wrong-input', /'z' does not exist/],
    ['wrong-type', /"INT32".*"FP32"/],
    ['no-input', /Property 'x' is missing/],
    ['wrong-output', /'w' does not exist/],
    ['wrong-data', /'bigint/],
    ['wrong-input-followed', /'z' does not exist/],
    ['wrong-data-followed', /'bigint/],
  ])('makes %s a compile error', (name, message) => {
    expect(errors.filter((error) => error.startsWith(`functions/${name}/`)).join('\n')).toMatch(message);
  });

  it('is itself without an error', () => {
    expect(errors.filter((error) => !error.startsWith('functions/') && !error.startsWith(' '))).toEqual([]);
  });
});

async function compile(): Promise<string[]> {
  const functions = Object.entries(lines).flatMap(([name, line]) => [
    [`functions/${name}/function.ts`, code(line, uses.plain)],
    [`functions/${name}-followed/function.ts`, code(line, uses.followed)],
  ]);
  await using app = await testApp({
    ...Object.fromEntries(functions),
    'models.d.ts': lockTypes({ lockVersion: 1, models: { 'tiny:prod': tinyVersion().locked } }),
    'tsconfig.json': JSON.stringify({
      extends: `${repo}/tsconfig.json`,
      compilerOptions: { typeRoots: [`${repo}/node_modules/@types`] },
      include: ['functions', 'models.d.ts'],
    }),
  });
  const tsc = resolve(repo, 'node_modules/typescript/bin/tsc');
  const run = promisify(execFile)(process.execPath, [tsc, '-p', '.', '--noEmit', '--pretty', 'false'], {
    cwd: app.root,
  });
  const output = await run.then(
    () => '',
    (error: unknown) => (error instanceof Error && 'stdout' in error ? String(error.stdout) : Promise.reject(error)),
  );
  return output.trim().split('\n');
}

function code(line: string, use: string): string {
  return `import { inference, tensor, tensors } from 'glowplug';
export const handler = inference({
  models: { tiny: ${use} },
  input: tensors(),
  async predict(_input, { tiny }) {
    ${line}
    return {};
  },
});`;
}
