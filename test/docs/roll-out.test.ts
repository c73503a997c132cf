// The guide's page on rolling out: its script compiles, and prints what the page says, of a rollout that ends and of one that goes back.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { publish } from '../../src/models/publish.ts';
import { resolve } from '../../src/models/resolve.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { tag } from '../../src/models/tag.ts';
import { root } from '../root.ts';
import { adder } from '../versions/adder.ts';

// Inside the repository, so that `glowplug` is found as the package itself finds it.
const app = join(root, '.glowplug', 'docs', 'roll-out');
const page = readFileSync(join(root, 'docs/guide/12-roll-out.md'), 'utf8');
const store = folderStore(join(app, 'store'));

beforeAll(async () => {
  rmSync(app, { recursive: true, force: true });
  mkdirSync(app, { recursive: true });
  writeFileSync(join(app, 'roll-out.ts'), /```ts file=roll-out\.ts\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['.'] }));
  for (const [built, to] of [
    [adder(1), 'prod'],
    [adder(2), 'candidate'],
  ] as const) {
    await publish(store, built);
    await tag(store, 'adder', { from: built.locked.version, to });
  }
});
afterAll(() => rmSync(app, { recursive: true, force: true }));

it('compiles, goes back at the alarm and leaves the channel where it was, then goes all the way', async () => {
  expect(node(join(root, 'node_modules/typescript/bin/tsc'), '-p', app)).toBe('');
  const [back, done] = [...page.matchAll(/```text\n([\s\S]*?)```/g)].map(([, text]) => text);
  expect(node('roll-out.ts', 'adder', 'errors')).toBe(back);
  expect((await resolve(store, 'adder:prod')).version).toBe('1.0.0');
  expect(node('roll-out.ts', 'adder')).toBe(done);
  expect((await resolve(store, 'adder:prod')).version).toBe('2.0.0');
}, 60_000);

it('shows a picture that the rollout in the local cloud drew', () => {
  expect(page).toContain('](roll-out.svg)');
  const picture = readFileSync(join(root, 'docs/guide/roll-out.svg'), 'utf8');
  for (const text of ['10 %', '50 %', 'went back: errors', 'done']) expect(picture).toContain(text);
});

function node(...args: string[]): string {
  return execFileSync(process.execPath, ['--conditions=glowplug-source', ...args], { cwd: app, encoding: 'utf8' });
}
