// The README and the guide are run: their code blocks become an app, which is locked, compiled, published and asked.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderStore } from '../../src/models/stores/folder.ts';
import { publishAll } from '../../src/release/publish-all.ts';
import { writeLock } from '../../src/release/write-lock.ts';
import { root } from '../root.ts';

const pages = [
  { page: 'README.md', model: 'flowers', references: ['flowers:prod'] },
  { page: 'docs/guide/1-first-function.md', model: 'garden', references: ['garden:prod'] },
  { page: 'docs/guide/3-follow-a-channel.md', model: 'orchid', references: ['orchid:candidate', 'orchid:prod'] },
];

describe.each(pages)('$page', ({ page, model, references }) => {
  // Inside the repository, so that `glowplug` is found as the package itself finds it.
  const app = join(root, '.glowplug', 'docs', model);

  beforeAll(() => {
    rmSync(app, { recursive: true, force: true });
    const text = readFileSync(join(root, page), 'utf8');
    for (const [, file = '', code = ''] of text.matchAll(/```ts file=(\S+)\n([\s\S]*?)```/g)) {
      mkdirSync(dirname(join(app, file)), { recursive: true });
      writeFileSync(join(app, file), code);
    }
    copyFileSync(join(root, 'models/iris/iris.onnx'), join(app, `models/${model}.onnx`));
    copyFileSync(join(root, 'models/iris/labels.txt'), join(app, 'models/labels.txt'));
  });
  afterAll(() => rmSync(app, { recursive: true, force: true }));

  it('locks, compiles with the types that the lock gives, and answers', async () => {
    const { lock } = await writeLock({ root: app });
    expect(Object.keys(lock.models)).toEqual(references);

    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['.'] }));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    expect(run([tsc, '-p', join(app, 'tsconfig.json')], app)).toBe('');

    const store = join(app, 'store');
    await publishAll({ root: app, store: folderStore(store) });
    const answer = ask(app, store, model === 'flowers' ? 'functions/flowers/own.ts' : `functions/${model}/function.ts`);
    expect(answer).toMatchObject({ status: 200 });
  }, 60_000);

  if (model === 'flowers') {
    it('serves the protocol with a model alone', async () => {
      const store = join(app, 'store');
      expect(ask(app, store, 'functions/flowers/function.ts')).toMatchObject({
        status: 200,
        body: { model_name: 'flowers', outputs: [{ name: 'class' }, { name: 'probabilities' }] },
      });
    });
  } else if (model === 'garden') {
    it('prints what its own check prints', () => {
      const text = run(
        ['--conditions=glowplug-source', 'functions/garden/check.ts'],
        app,
        environment(app, join(app, 'store')),
      );
      expect(text).toBe("200 [ 'setosa', 'virginica' ]\n");
    });
  }
});

const bodies: Readonly<Record<string, unknown>> = {
  'functions/flowers/function.ts': {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] }],
  },
  'functions/flowers/own.ts': { centimetres: [5.1, 3.5, 1.4, 0.2] },
  'functions/orchid/function.ts': { lengths: [5.1, 3.5, 1.4, 0.2] },
  'functions/garden/function.ts': { flowers: [[5.1, 3.5, 1.4, 0.2]] },
};

/** In a process of its own: the contract is read from the environment. */
function ask(app: string, store: string, file: string): unknown {
  const script = `
    const { handler } = await import(${JSON.stringify(pathToFileURL(join(app, file)).href)});
    const body = ${JSON.stringify(JSON.stringify(bodies[file]))};
    const answer = await handler.fetch(new Request('https://docs.test/', { method: 'POST', body }));
    console.log(JSON.stringify({ status: answer.status, body: await answer.json() }));`;
  const args = ['--conditions=glowplug-source', '--input-type=module', '-e', script];
  return JSON.parse(run(args, app, environment(app, store)).trim().split('\n').at(-1) ?? '');
}

function environment(app: string, store: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], GLOWPLUG_STORE: store, GLOWPLUG_CACHE: join(app, 'cache') };
}

function run(args: string[], cwd: string, env: NodeJS.ProcessEnv = process.env): string {
  try {
    return execFileSync(process.execPath, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(
      error instanceof Error && 'stdout' in error
        ? `${error.stdout}${'stderr' in error ? error.stderr : ''}`
        : String(error),
    );
  }
}
