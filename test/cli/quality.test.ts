// glowplug baseline, quality and truth on a folder: what they refuse and what to do about it. Guide 11 is their good day.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { baselineCommand } from '../../src/cli/baseline.ts';
import { qualityCommand } from '../../src/cli/quality.ts';
import { truthCommand } from '../../src/cli/truth.ts';
import { recordKey } from '../../src/quality/record.ts';
import { runCommand } from './run-command.ts';

let folder: string;
const path = (name: string) => join(folder, name);
const write = async (name: string, text: string) => {
  await mkdir(dirname(path(name)), { recursive: true });
  await writeFile(path(name), text);
};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glowplug-quality-'));
  const at = new Date();
  for (let id = 0; id < 20; id++) {
    const record = { requestId: `${id}`, at: at.toISOString(), features: { n: id, kind: id < 15 ? 'a' : 'b' } };
    await write(`kept/captured/spam/${recordKey(`${id}`, at)}`, JSON.stringify(record));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const kept = () => ['--kept', path('kept')];
const made = () => ['--output', path('baseline.json')];

it('say where they were not told what they need', async () => {
  const nowhere = await runCommand(baselineCommand(), 'spam');
  expect(nowhere).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--kept s3://bucket') });
  const local = await runCommand(baselineCommand(), 'spam', '--kept', 'local');
  expect(local).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Run glowplug dev in another terminal') });
  const none = await runCommand(baselineCommand(), 'other', ...kept(), ...made());
  expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('found none') });
  const wrong = await runCommand(baselineCommand(), 'spam', '--prediction', 'spam', ...kept(), ...made());
  expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('expected a feature spam, got ') });
  const without = await runCommand(qualityCommand(), 'spam', '--baseline', path('no.json'), ...kept());
  expect(without).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('glowplug baseline spam') });
});

it('make a baseline, warn that it is of few, and call nothing drift of few', async () => {
  const { exitCode, stdout, stderr } = await runCommand(
    baselineCommand(),
    'spam',
    '--prediction',
    'kind',
    ...kept(),
    ...made(),
  );
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('of 20 records: 100 and more say more')]);
  expect(stdout).toContain('kind (held against labels)  text    a 75 %, b 25 %');
  const args = ['spam', '--baseline', path('baseline.json'), ...kept()];
  expect((await runCommand(qualityCommand(), ...args)).stdout).toContain('too few to say: 100 requests are needed');
  const { stdout: json } = await runCommand(qualityCommand(), ...args, '--json');
  expect(JSON.parse(json)).toMatchObject({ function: 'spam', captured: 20, drift: { tooFew: true } });
});

it('take labels once a day, whole or not at all', async () => {
  await write('wrong.jsonl', '{"requestId":"1","label":"a"}\n{"requestId":"2"}\n');
  const wrong = await runCommand(truthCommand(), 'spam', path('wrong.jsonl'), ...kept());
  expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('expected a label in line 2') });
  await write('empty.jsonl', '\n');
  const empty = await runCommand(truthCommand(), 'spam', path('empty.jsonl'), ...kept());
  expect(empty).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('expected lines with labels, got none') });
  await write('labels.jsonl', '{"requestId":"1","label":"a"}\n{"requestId":"19","label":"a"}\n');
  const hand = () => runCommand(truthCommand(), 'spam', path('labels.jsonl'), ...kept());
  const lost = await runCommand(truthCommand(), 'spm', path('labels.jsonl'), ...kept());
  expect(lost).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/one of the functions .*spam.*; got spm/) });
  const nowhere = await runCommand(truthCommand(), 'spam', path('labels.jsonl'), '--kept', path('nowhere'));
  expect(nowhere).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('there is no such folder') });
  expect((await hand()).stdout).toContain('2 labels handed in');
  expect((await hand()).stdout).toContain('had been handed in today');
  expect(await readdir(path('kept/truth/spam'))).toHaveLength(1);
  const { stdout } = await runCommand(qualityCommand(), 'spam', '--baseline', path('baseline.json'), ...kept());
  expect(stdout).toContain('right in 50.0 % (9.5 % to 90.5 %) of 2 labelled requests');
});
