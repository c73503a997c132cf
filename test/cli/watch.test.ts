import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { watchSources } from '../../src/cli/watch.ts';

it('tells of a file that is changed, replaced again and again, and in a folder that is new', async () => {
  const root = await mkdtemp(join(tmpdir(), 'glowplug-watch-'));
  try {
    const file = join(root, 'functions/a/function.ts');
    await mkdir(join(root, 'functions/a'), { recursive: true });
    await writeFile(file, '0');
    let told = Promise.withResolvers<string[]>();
    await using _watch = await watchSources(root, async (changed) => told.resolve(changed));
    const next = async (change: () => Promise<void>) => {
      told = Promise.withResolvers();
      await change();
      return await told.promise;
    };
    expect(await next(() => writeFile(file, '1'))).toContain('functions/a/function.ts');
    for (const content of ['2', '3']) {
      // As git and many editors do.
      const replace = async () => {
        await writeFile(`${file}.tmp`, content);
        await rename(`${file}.tmp`, file);
      };
      expect(await next(replace)).toContain('functions/a/function.ts');
    }
    expect(await next(async () => void (await mkdir(join(root, 'functions/b'))))).toContain('functions/b');
    expect(await next(() => writeFile(join(root, 'functions/b/function.ts'), ''))).toContain('functions/b/function.ts');
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
