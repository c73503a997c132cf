// A variant is made once, and again whenever anything that it was made from is another: the model, the recipe, what lies there.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Digest } from '../../src/models/version.ts';
import { keptVariant } from '../../src/release/kept-variant.ts';

const a: Digest = `sha256:${'a'.repeat(64)}`;
const b: Digest = `sha256:${'b'.repeat(64)}`;

async function kept() {
  const root = await mkdtemp(join(tmpdir(), 'glowplug-kept-'));
  onTestFinished(() => rm(root, { recursive: true }));
  let made = 0;
  const variant = async (model: Digest, recipe: string) => {
    const file = await keptVariant({ model, recipe, root }, async () => Buffer.from(`${model} ${recipe} ${++made}`));
    return await readFile(file.path, 'utf8');
  };
  const spoil = async (pick: (name: string) => boolean, text: string) => {
    const folder = join(root, '.glowplug', 'generated');
    for (const name of (await readdir(folder)).filter(pick)) await writeFile(join(folder, name), text);
  };
  return { variant, spoil, made: () => made };
}

it('is made once of the same model by the same recipe, and anew of another or by another', async () => {
  const { variant, made } = await kept();
  const first = await variant(a, 'r');
  expect(await variant(a, 'r')).toBe(first);
  expect(made()).toBe(1);
  expect(await variant(b, 'r')).not.toBe(first);
  expect(await variant(a, 's')).not.toBe(first);
  expect(made()).toBe(3);
});

it.each([
  ['what lies there was changed', (name: string) => !name.endsWith('.made')],
  ['what was noted is nonsense', (name: string) => name.endsWith('.made')],
])('is made anew where %s', async (_what, pick) => {
  const { variant, spoil, made } = await kept();
  await variant(a, 'r');
  await spoil(pick, 'nonsense');
  expect(await variant(a, 'r')).toContain(`${a} r`);
  expect(made()).toBe(2);
});

it('is one when several ask at once', async () => {
  const { variant } = await kept();
  const all = await Promise.all(Array.from({ length: 5 }, () => variant(a, 'r')));
  for (const one of all) expect(one).toContain(`${a} r`);
  expect(await variant(a, 'r')).toContain(`${a} r`);
});
