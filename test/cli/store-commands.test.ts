// pull, copy and prune, as a terminal sees them.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyCommand } from '../../src/cli/copy.ts';
import { describeTransfer, transferProgress } from '../../src/cli/progress.ts';
import { pruneCommand } from '../../src/cli/prune.ts';
import { pullCommand } from '../../src/cli/pull.ts';
import { publish } from '../../src/models/publish.ts';
import { resolve } from '../../src/models/resolve.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { testClock } from '../versions/test-clock.ts';
import { runCommand } from './run-command.ts';

async function published() {
  const folder = await temporaryFolder();
  const store = join(folder.path, 'store');
  const { locked } = await publish(folderStore(store), tinyVersion());
  return { path: folder.path, store, locked, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

describe('glowplug pull', () => {
  it('brings the files into a folder, and says what it brought', async () => {
    await using one = await published();
    const out = join(one.path, 'out');
    const shown = await runCommand(pullCommand(), 'tiny:1.0.0', out, '--store', one.store);
    expect(shown).toMatchObject({ exitCode: 0, stdout: `pulled  tiny:1.0.0  ${one.locked.digest}\n` });
    expect(await readFile(join(out, 'labels.txt'), 'utf8')).toBe('a\nb\n');
    const again = await runCommand(pullCommand(), 'tiny:1.0.0', out, '--store', one.store, '--json');
    expect(JSON.parse(again.stdout)).toEqual(one.locked);
  });

  it('ends with 1 and the remedy when there is no such version, or no local cloud', async () => {
    await using one = await published();
    const local = await runCommand(pullCommand(), 'tiny:prod', join(one.path, 'out'), '--store', 'local');
    expect(local).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('Run glowplug dev in another terminal'),
    });
    const shown = await runCommand(pullCommand(), 'tiny:prod', join(one.path, 'out'), '--store', one.store);
    expect(shown.exitCode).toBe(1);
    expect(shown.stderr).toContain('whose tags are 1.0.0');
    expect(shown.stderr).toContain('(MODEL_NOT_FOUND)');
  });
});

describe('glowplug copy', () => {
  it('copies a version once, and says the second time that it was there', async () => {
    await using one = await published();
    const to = join(one.path, 'other');
    const args = ['tiny:1.0.0', '--from', one.store, '--to', to];
    expect((await runCommand(copyCommand(), ...args)).stdout).toMatch(/^copied {2}tiny:1\.0\.0/);
    expect((await runCommand(copyCommand(), ...args)).stdout).toMatch(/^was there {2}tiny:1\.0\.0/);
    expect(await resolve(folderStore(to), 'tiny:1.0.0')).toEqual(one.locked);
  });
});

describe('glowplug prune', () => {
  it('shows what it would delete, and deletes it when it is told to', async () => {
    await using one = await published();
    const blobs = join(one.store, 'tiny/blobs/sha256');
    await mkdir(blobs, { recursive: true });
    await writeFile(join(blobs, '0'.repeat(64)), 'orphan');
    const args = ['--store', one.store, '--days', '0', '--lock', join(one.path, 'models.lock.json')];
    const planned = await runCommand(pruneCommand(), ...args);
    expect(planned.stdout).toContain('tiny  would delete 1 blobs, 0.0 MB\n');
    expect(planned.stdout).toContain('Nothing was deleted. Run again with --delete.');
    const json = await runCommand(pruneCommand(), ...args, '--delete', '--json');
    expect(JSON.parse(json.stdout)).toEqual([
      { model: 'tiny', blobs: [{ digest: `sha256:${'0'.repeat(64)}`, size: 6 }], uploads: 0, complete: true },
    ]);
    expect(await readdir(blobs)).not.toContain('0'.repeat(64));
    expect(await resolve(folderStore(one.store), 'tiny:1.0.0')).toEqual(one.locked);
  });

  it('ends with 1 when a model is not there, and names those that are', async () => {
    await using one = await published();
    const shown = await runCommand(pruneCommand(), 'tny', '--store', one.store, '--lock', join(one.path, 'no.json'));
    expect(shown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('whose models are tiny') });
  });

  it('ends with 1 when a lock file cannot be read: it may pin anything', async () => {
    await using one = await published();
    const lock = join(one.path, 'models.lock.json');
    await writeFile(lock, '{');
    const shown = await runCommand(pruneCommand(), '--store', one.store, '--lock', lock);
    expect(shown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('(LOCK_STALE)') });
  });
});

describe('the progress of a transfer', () => {
  it('names bytes, what was there, the rate of what was sent, and the time left', () => {
    expect(describeTransfer({ total: 500e6, skipped: 100e6, sent: 170e6 }, 2)).toBe(
      '270 of 500 MB, 100 MB were there, 85 MB/s, 3 s left',
    );
    expect(describeTransfer({ total: 2e12, skipped: 0, sent: 1e9 }, 10)).toBe(
      '1000 of 2000000 MB, 100 MB/s, 5.6 h left',
    );
    expect(describeTransfer({ total: 608, skipped: 608, sent: 0 }, 1)).toBe('0.0 of 0.0 MB, 0.0 MB were there');
  });

  it('is one line that changes on a terminal, and few lines in a log', async () => {
    for (const isTTY of [true, false]) {
      const written: string[] = [];
      const clock = testClock();
      const progress = transferProgress({ isTTY, write: (text) => written.push(text) }, clock);
      progress.tell('iris:1.0.0', undefined);
      for (let sent = 1; sent <= 100; sent++) {
        await clock.sleep(100);
        progress.tell('iris:1.0.0', { total: 100e6, skipped: 0, sent: sent * 1e6 });
      }
      progress.end();
      expect(written.length).toBeLessThan(isTTY ? 60 : 4);
      expect(written.filter((text) => text.includes('\n'))).toHaveLength(isTTY ? 1 : written.length);
      expect(written.join('')).toContain('100 of 100 MB, 10 MB/s');
    }
  });
});
