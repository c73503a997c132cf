// A reload that does not synthesise gives the same code as one that does, whatever was edited; and what is more than code is synthesised.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { bundleFunction } from '../../../src/build/bundle-function.ts';
import { seededRandom } from '../../../src/core/seeded-random.ts';
import { type LocalCloud, startLocalCloud } from '../../../src/testing/index.ts';
import { root as repository } from '../../root.ts';
import { long } from '../../runs.ts';

const bundler = pathToFileURL(join(repository, 'src/build/bundle-function.ts')).href;
const names = ['a', 'b'];

/** An app whose synth bundles as the constructs do, and counts how often it ran. */
async function app() {
  const folder = mkdtempSync(join(tmpdir(), 'glowplug-edited-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const root = join(folder, 'app');
  const counted = join(folder, 'synths');
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  write('package.json', '{ "type": "module" }');
  write('cdk.json', JSON.stringify({ app: `"${process.execPath}" synth.mjs` }));
  write('lib/shared.ts', 'export const shared = 0;');
  write('lib/both.ts', 'export const both = 0;');
  write('lib/later.ts', 'export const later = 0;');
  write('data.json', '{ "n": 0 }');
  write('functions/a/function.ts', source('a', 0));
  write('functions/b/function.ts', source('b', 0));
  write(
    'synth.mjs',
    `import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
    import { join } from 'node:path';
    import { bundleFunction } from ${JSON.stringify(bundler)};
    import { both } from './lib/both.ts';
    appendFileSync(${JSON.stringify(counted)}, 's');
    const out = process.env.CDK_OUTDIR;
    mkdirSync(out, { recursive: true });
    const write = (name, value) => writeFileSync(join(out, name), JSON.stringify(value));
    const [files, Resources] = [{}, {}];
    for (const name of ${JSON.stringify(names)}) {
      const { path, digest } = bundleFunction({ entry: 'functions/' + name + '/function.ts', root: process.cwd() });
      cpSync(path, join(out, 'asset.' + digest), { recursive: true });
      files[digest] = { source: { path: 'asset.' + digest }, destinations: { here: { objectKey: digest + '.zip' } } };
      Resources[name] = { Type: 'AWS::Lambda::Function', Metadata: { 'glowplug:function': name }, Properties: {
        Code: { S3Key: digest + '.zip' }, Handler: 'index.handler', Runtime: 'nodejs24.x', MemorySize: 256, Timeout: 10,
        Environment: { Variables: { BOTH: String(both), DATA: readFileSync('data.json', 'utf8') } },
      } };
    }
    write('a.assets.json', { files });
    write('a.template.json', { Resources });
    write('manifest.json', { artifacts: {
      assets: { type: 'cdk:asset-manifest', properties: { file: 'a.assets.json' } },
      a: { type: 'aws:cloudformation:stack', properties: { templateFile: 'a.template.json' } },
    } });`,
  );
  const cloud: LocalCloud = await startLocalCloud({ root, publish: false });
  onTestFinished(() => cloud[Symbol.asyncDispose]());
  const synths = () => readFileSync(counted, 'utf8').length;
  return { root, write, cloud, synths };
}

function source(name: string, edition: number): string {
  return `import { both } from '../../lib/both.ts';
  import { shared } from '../../lib/shared.ts';
  export const handler = async () => {
    const { later } = await import('../../lib/later.ts');
    return { name: ${JSON.stringify(name)}, edition: ${edition}, shared, later, both, BOTH: process.env.BOTH, DATA: process.env.DATA };
  };`;
}

it('synthesises what is more than code, and nothing else; every answer is of what was written last', async () => {
  const { write, cloud, synths } = await app();
  const answers = async () => await Promise.all(names.map((name) => cloud.function(name).invoke({})));
  const state = { a: 0, b: 0, shared: 0, later: 0, both: 0, n: 0 };
  const expected = () =>
    names.map((name) => ({
      name,
      edition: name === 'a' ? state.a : state.b,
      shared: state.shared,
      later: state.later,
      both: state.both,
      BOTH: `${state.both}`,
      DATA: `{ "n": ${state.n} }`,
    }));
  const edits: Record<keyof typeof state, (value: number) => void> = {
    a: (value) => write('functions/a/function.ts', source('a', value)),
    b: (value) => write('functions/b/function.ts', source('b', value)),
    shared: (value) => write('lib/shared.ts', `export const shared = ${value};`),
    later: (value) => write('lib/later.ts', `export const later = ${value};`),
    both: (value) => write('lib/both.ts', `export const both = ${value};`),
    n: (value) => write('data.json', `{ "n": ${value} }`),
  };
  const kinds = ['a', 'b', 'shared', 'later', 'both', 'n'] as const;
  const random = seededRandom(3);
  const total = long ? 1000 : 40;
  let [ran, swapped] = [synths(), 0];
  for (let step = 1; step <= total; step++) {
    const chosen = kinds.filter(() => random() < 0.3);
    for (const kind of chosen) {
      state[kind] = step;
      edits[kind](step);
    }
    const changed = await cloud.reload();
    expect(await answers()).toEqual(expected());
    const needed = chosen.length === 0 || chosen.includes('both') || chosen.includes('n');
    expect([step, chosen, synths() - ran]).toEqual([step, chosen, needed ? 1 : 0]);
    if (chosen.length > 0) expect(changed.length).toBeGreaterThan(0);
    if (!needed) swapped++;
    ran = synths();
  }
  console.log(`edited code: ${total} reloads, ${swapped} without a synth, every answer of what was written last`);
}, 120_000);

it('gives the bytes that a synth of the same sources gives', async () => {
  const { root, write, cloud } = await app();
  write('functions/a/function.ts', source('a', 7));
  write('lib/shared.ts', 'export const shared = 8;');
  write('lib/later.ts', 'export const later = 9;');
  expect(await cloud.reload()).toEqual(names);
  const fresh = bundleFunction({ entry: 'functions/a/function.ts', root, outDir: 'elsewhere/a' });
  const kept = join(root, '.glowplug/build/functions/a');
  for (const file of ['start.js', 'index.js', 'index.js.map', 'later.js', 'later.js.map', 'package.json', 'init.mjs']) {
    if (existsSync(join(fresh.path, file)))
      expect(readFileSync(join(kept, file))).toEqual(readFileSync(join(fresh.path, file)));
  }
  expect(await cloud.function('a').invoke({})).toMatchObject({ edition: 7, shared: 8, later: 9 });
});

it('that cannot be bundled says why, the last good version goes on, and the next edit is taken', async () => {
  const { write, cloud, synths } = await app();
  write('functions/a/function.ts', 'export const handler = async () => {');
  await expect(cloud.reload()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await cloud.function('a').invoke({})).toMatchObject({ edition: 0 });
  write('functions/a/function.ts', source('a', 2));
  await cloud.reload();
  expect(await cloud.function('a').invoke({})).toMatchObject({ edition: 2 });
  expect(synths()).toBe(1);
});

it('that imports what is not installed is said alike with a synth and without: message and remedy alone', async () => {
  const { write, cloud, synths } = await app();
  const message =
    'functions/a/function.ts cannot be bundled: functions/a/function.ts:1:7: ERROR: Could not resolve "@scope/none/part"';
  const remedy = 'npm i @scope/none, or mend the file that the message names.';
  write('functions/a/function.ts', `import '@scope/none/part';\n${source('a', 1)}`);
  await expect(cloud.reload()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message, remedy });
  expect(synths()).toBe(1);
  write('lib/both.ts', 'export const both = 1;');
  await expect(cloud.reload()).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `the app could not be synthesised: ${message}`,
    remedy,
  });
  expect(synths()).toBe(2);
});

it('with a new file, another environment or another module of the app is synthesised', async () => {
  const { write, cloud, synths } = await app();
  write('functions/a/extra.ts', 'export const extra = 1;');
  await cloud.reload();
  expect(synths()).toBe(2);
  process.env['GLOWPLUG_TEST_EDITED'] = '1';
  onTestFinished(() => void delete process.env['GLOWPLUG_TEST_EDITED']);
  write('functions/a/function.ts', source('a', 3));
  await cloud.reload();
  expect(synths()).toBe(3);
  expect(await cloud.function('a').invoke({})).toMatchObject({ edition: 3 });
});
