// What is said to those who mistype a path or a name, or stand in the wrong folder.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { benchCommand } from '../../src/cli/bench.ts';
import { costCommand } from '../../src/cli/cost.ts';
import { devCommand } from '../../src/cli/dev.ts';
import { invokeCommand } from '../../src/cli/invoke.ts';
import { lockCommand } from '../../src/cli/lock.ts';
import { lsCommand } from '../../src/cli/ls.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { publishCommand } from '../../src/cli/publish.ts';
import { qualityCommand } from '../../src/cli/quality.ts';
import { traceCommand } from '../../src/cli/trace.ts';
import { transformCommand } from '../../src/cli/transform.ts';
import { truthCommand } from '../../src/cli/truth.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { runCommand } from './run-command.ts';

describe('a mistake', () => {
  it('in a path is one line, without a stack', async () => {
    const shown = await runCommand(invokeCommand(), 'iris', '--data', '@nowhere.json');
    expect(shown).toMatchObject({
      exitCode: 1,
      stderr:
        '✗ expected a file at nowhere.json, found nothing\n  Give the path of a file that is there. (CONFIG_INVALID)\n',
    });
    for (const shown of [
      await runCommand(benchCommand(), 'batch', 'nowhere.onnx'),
      await runCommand(truthCommand(), 'iris', 'nowhere.jsonl', '--kept', 'functions'),
      await runCommand(costCommand(), '--traffic', 'nowhere.json'),
    ]) {
      expect(shown).toMatchObject({ exitCode: 1, stdout: '' });
      expect(shown.stderr).toMatch(/^✗ expected a file at nowhere.*, found nothing\n {2}Give .*\n$/);
    }
  });

  it('in the folder of a picture or a page is told before the work', async () => {
    const into = (name: string) => join('nowhere', name);
    for (const shown of [
      await runCommand(benchCommand(), 'batch', 'models/iris/iris.onnx', '--svg', into('a.svg')),
      await runCommand(traceCommand(), 'iris', '--svg', into('a.svg')),
      await runCommand(qualityCommand(), 'iris', '--html', into('a.html')),
    ]) {
      expect(shown).toMatchObject({ exitCode: 1, stdout: '' });
      expect(shown.stderr).toMatch(/^✗ expected a folder at nowhere to write nowhere.a\..*there is none/);
    }
  });

  it('in the store’s scheme makes no folder of that name, and the message names what it stood in', async () => {
    for (const store of ['http://x', 'gs://my-models', 's3:/my-models', 'S3://my-models']) {
      const { exitCode, stderr } = await runCommand(lsCommand(), '--store', store);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`--store: expected s3://bucket/prefix or a folder, got "${store}"`);
    }
    vi.stubEnv('GLOWPLUG_STORE', 'gs://my-models');
    expect((await runCommand(lsCommand())).stderr).toContain('GLOWPLUG_STORE: expected s3://bucket/prefix or a folder');
    vi.unstubAllEnvs();
  });

  it('in the folder to transform is not 0 objects, all answered', async () => {
    const shown = await runCommand(transformCommand(), 'nowhere', 'out', '--function', 'functions/iris');
    expect(shown).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('expected a folder at nowhere, found nothing'),
    });
  });

  it('in a function’s name is answered with the names that there are', async () => {
    for (const command of [invokeCommand(), traceCommand()]) {
      const { stderr } = await runCommand(command, 'irs');
      expect(stderr).toMatch(/^✗ expected one of the functions embed, iris, .*; got irs/);
    }
  });

  it('in the folder: lock and dev write nothing there, publish found nothing, and all fail', async () => {
    await using folder = await temporaryFolder();
    const before = process.cwd();
    process.chdir(folder.path);
    try {
      const shown = await runCommand(lockCommand());
      expect(shown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('glowplug init makes one') });
      const { stderr } = await runCommand(devCommand());
      expect(stderr).toMatch(/^✗ expected cdk\.json in .*, found none\n.*glowplug init makes an app/);
      expect(await readdir('.')).toEqual([]);
      await mkdir('functions/garden', { recursive: true });
      expect((await runCommand(lockCommand())).stderr).toContain(
        'functions/garden: no function, it holds no function.ts',
      );
      const published = await runCommand(publishCommand(), '--store', 'store');
      expect(published).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(/expected models\/\*\.ts in .*, found none/),
      });
    } finally {
      process.chdir(before);
    }
  });
});

it('cost says what it assumed, and where the JSON of the traffic is broken', async () => {
  const { stdout } = await runCommand(costCommand(), '--ms', '40');
  expect(stdout).toMatch(/^assumed: 1,000,000 requests a month; --requests/);
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'traffic.json');
  await writeFile(file, '{\n "iris": { "ms": 1, }\n}');
  const broken = await runCommand(costCommand(), '--traffic', file);
  expect(broken.stderr).toMatch(/expected JSON in .*line 2 column 2.*\n {2}Give a file such as/);
  await writeFile(file, '{ "irs": { "requestsPerMonth": 1, "ms": 1 } }');
  const unknown = await runCommand(costCommand(), '--traffic', file);
  expect(unknown.stderr).toMatch(/expected one of the functions .*, got irs\n {2}Name the traffic after functions/);
}, 60_000);

it('lock is offline on purpose, and says so where GLOWPLUG_STORE is set', async () => {
  vi.stubEnv('GLOWPLUG_STORE', 'somewhere');
  const { stderr } = await runCommand(lockCommand(), '--check');
  vi.unstubAllEnvs();
  expect(stderr).toContain('GLOWPLUG_STORE was not looked at');
});

it('no help shows an empty list as a default', () => {
  for (const each of buildProgram().commands) expect(each.helpInformation()).not.toMatch(/default: (\[\]|\{\})/);
});
