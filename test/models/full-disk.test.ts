// A full disk, where a real one cannot be had: writing fails as it does there.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { fetchVersion } from '../../src/models/fetch.ts';
import { publish } from '../../src/models/publish.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { disk, mustHaveRoom } from '../full-disk.ts';
import { temporaryFolder } from './temporary.ts';
import { tinyVersion } from './tiny-version.ts';

vi.mock('node:fs', async (original) => {
  const { onFullDisk } = await import('../full-disk.ts');
  return onFullDisk(await original<typeof import('node:fs')>());
});
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return {
    ...real,
    async open(...args: Parameters<typeof real.open>) {
      const handle = await real.open(...args);
      const write = handle.writeFile.bind(handle);
      handle.writeFile = async (...data: Parameters<typeof write>) => {
        mustHaveRoom();
        await write(...data);
      };
      return handle;
    },
  };
});
afterEach(() => {
  disk.full = false;
});

it('a fetch onto a full disk says so and leaves nothing, and works when there is room again', async () => {
  await using folder = await temporaryFolder();
  const store = folderStore(join(folder.path, 'store'));
  const cacheDir = join(folder.path, 'cache');
  const { locked } = await publish(store, tinyVersion());
  disk.full = true;
  await expect(fetchVersion(store, locked, { cacheDir })).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: expect.stringContaining(cacheDir),
  });
  expect(await readdir(join(cacheDir, 'sha256'))).toEqual([]);
  disk.full = false;
  expect(Object.keys((await fetchVersion(store, locked, { cacheDir })).paths)).toHaveLength(2);
});

it('a publish into a folder on a full disk says so and leaves no part of a version', async () => {
  await using folder = await temporaryFolder();
  disk.full = true;
  await expect(publish(folderStore(folder.path), tinyVersion())).rejects.toMatchObject({ code: 'DISK_FULL' });
  const left = await readdir(folder.path, { recursive: true, withFileTypes: true });
  expect(left.filter((entry) => entry.isFile())).toEqual([]);
});
