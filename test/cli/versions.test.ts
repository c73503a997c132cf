// The commands around versions: what the guide does not show. That page's own commands run in test/docs.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { publishVersions } from '../versions/channel.ts';
import { runCommand } from './run-command.ts';

describe('the commands around versions', () => {
  const opened = new AsyncDisposableStack();
  const before = { cwd: process.cwd(), store: process.env['GLOWPLUG_STORE'] };
  beforeAll(async () => {
    const folder = opened.use(await temporaryFolder());
    process.chdir(folder.path);
    process.env['GLOWPLUG_STORE'] = join(folder.path, 'store');
    await publishVersions(folderStore(join(folder.path, 'store')), '1.0.0', '1.1.0', '1.10.0');
  });
  afterAll(async () => {
    process.chdir(before.cwd);
    if (before.store === undefined) delete process.env['GLOWPLUG_STORE'];
    else process.env['GLOWPLUG_STORE'] = before.store;
    await opened.disposeAsync();
  });
  const run = (...args: string[]) => runCommand(buildProgram(), ...args);
  const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout);

  it('tag says what moved, then that it is as it was, and records git’s user or this machine’s', async () => {
    expect((await run('tag', 'tiny', '1.0.0', '--as', 'prod')).stdout).toMatch(
      /^moved {2}tiny:prod → 1\.0\.0 {2}sha256/,
    );
    expect((await run('tag', 'tiny', '1.0.0', '--as', 'prod')).stdout).toMatch(/^as it was {2}tiny:prod/);
    expect((await json('history', 'tiny'))[0].by).toMatch(/./);
  });

  it('a refusal is one message with its remedy, and exit code 1', async () => {
    const { exitCode, stdout, stderr } = await run('tag', 'tiny', '9.9.9', '--as', 'prod');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/✗ expected 9\.9\.9 in tiny .*\n {2}Name a tag that is there.*\(MODEL_NOT_FOUND\)\n$/);
    expect((await run('rollback', 'tiny', 'prd')).stderr).toMatch(/expected prd in tiny .*whose tags are .*prod/);
    expect((await run('rollback', 'tiny', 'prod')).stderr).toContain('(MODEL_NOT_FOUND)');
    expect((await run('show', 'tiny:nope')).stderr).toContain('(MODEL_NOT_FOUND)');
    expect((await run('ls', 'nope')).stderr).toContain('(MODEL_NOT_FOUND)');
  });

  it('a refusal with --json is one line of JSON on standard error', async () => {
    const { exitCode, stdout, stderr } = await run('tag', 'tiny', '9.9.9', '--as', 'prod', '--json');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        error: expect.stringContaining('expected 9.9.9 in tiny'),
        code: 'MODEL_NOT_FOUND',
        remedy: expect.stringContaining('glowplug ls tiny'),
      },
    ]);
  });

  it('the floor holds unless a person says otherwise', async () => {
    await writeFile('models.keys.json', '{ "floors": { "tiny": "1.1.0" } }');
    try {
      await run('tag', 'tiny', '1.10.0', '--as', 'canary');
      expect((await run('tag', 'tiny', '1.0.0', '--as', 'canary')).stderr).toContain('(BELOW_FLOOR)');
      expect((await run('tag', 'tiny', '1.0.0', '--as', 'canary', '--force-below-floor')).exitCode).toBe(0);
      expect((await run('show', 'tiny:canary')).stdout).toContain('✗ expected tiny at 1.1.0 or above, got 1.0.0');
    } finally {
      await writeFile('models.keys.json', '{}');
    }
  });

  it('ls lists models with their channels, and versions with the newest first', async () => {
    expect(await json('ls')).toEqual([
      { model: 'tiny', versions: ['1.10.0', '1.1.0', '1.0.0'], channels: { canary: '1.0.0', prod: '1.0.0' } },
    ]);
    expect((await run('ls')).stdout).toBe('tiny  3 versions  canary → 1.0.0, prod → 1.0.0\n');
    const versions = await json('ls', 'tiny');
    expect(versions.map(({ version }: { version: string }) => version)).toEqual(['1.10.0', '1.1.0', '1.0.0']);
  });

  it('show gives files, signature, channels and yanks, for people and as JSON', async () => {
    await run('yank', 'tiny', '1.1.0', '--why', 'wrong labels', '--by', 'ada');
    expect((await run('show', 'tiny:1.1.0')).stdout).toMatch(/✗ yanked by ada at .*: wrong labels/);
    expect(await json('show', 'tiny:prod')).toMatchObject({
      version: '1.0.0',
      channels: ['canary', 'prod'],
      files: { 'labels.txt': { size: 4 } },
    });
    expect((await run('yank', 'tiny', '1.1.0', '--undo')).stdout).toBe('may be used again  tiny:1.1.0\n');
  });

  it('history shows as many moves as it is asked for, and lets no reason command the terminal', async () => {
    await run('tag', 'tiny', '1.10.0', '--as', 'prod', '--why', 'x\u001b[2J', '--by', 'eve');
    const { stdout } = await run('history', 'tiny', '--limit', '1');
    expect(stdout).toMatch(/^\d+ {2}\d{4}-\d\d-\d\d \d\d:\d\dZ {2}prod → 1\.10\.0 {2}eve {2}x�\[2J\n$/);
  });

  it('diff of versions whose model is no ONNX says so', async () => {
    expect((await run('diff', 'tiny:1.0.0', 'tiny:1.1.0')).stderr).toContain('(MODEL_INVALID)');
  });

  it('keygen writes a secret that only its owner reads, trusts its public half, and never replaces a key', async () => {
    await run('keygen', 'team', '--models', 'tiny', 'other');
    expect((await stat('team.key.json')).mode & 0o777).toBe(0o600);
    const secret = JSON.parse(await readFile('team.key.json', 'utf8'));
    expect(JSON.parse(await readFile('models.keys.json', 'utf8'))).toEqual({
      keys: { team: { publicKey: secret.x, models: ['tiny', 'other'] } },
    });
    expect((await run('keygen', 'team')).stderr).toContain('it is in models.keys.json');
    await writeFile('models.keys.json', '{}');
    expect((await run('keygen', 'team')).stderr).toContain('it is in team.key.json');
    expect(JSON.parse(await readFile('team.key.json', 'utf8'))).toEqual(secret);
    expect(await readFile('models.keys.json', 'utf8')).toBe('{}');
    expect((await run('keygen', 'x', '--models', 'No!')).stderr).toContain('to list models');
  });

  it('sign and show: whose signature it is, and that nobody trusts it', async () => {
    expect(await json('sign', 'tiny:1.0.0', '--key', 'team.key.json')).toMatchObject({ keyId: 'team', created: true });
    expect((await run('sign', 'tiny:1.0.0', '--key', 'team.key.json')).stdout).toMatch(/^was signed {2}tiny:1\.0\.0/);
    expect((await run('sign', 'tiny:1.0.0', '--key', 'none.json')).stderr).toContain(
      'expected a key file at none.json',
    );
    await run('keygen', 'ci');
    expect((await run('show', 'tiny:1.0.0')).stdout).toContain('signed by ci; team is not trusted for it');
  });
});
