// glowplug dev: what it says of each function, and of what is no function.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { invokeCommand } from '../../src/cli/invoke.ts';
import { logsCommand } from '../../src/cli/logs.ts';
import { root } from '../root.ts';
import { type TestApp, testApp } from '../testing/app.ts';
import { runCommand } from './run-command.ts';

const answers = (body: string) => `export const handler = async () => ({
  statusCode: 200, headers: { 'content-type': 'application/json' }, body: '${body}' });`;

it('asks each function that has a sample, and goes on past a sample that nothing deployed answers', async () => {
  using app = testApp({ tulip: answers('1'), rose: answers('2') });
  app.write('job', answers('3'), { url: false });
  app.resources({ Jobs: { Type: 'AWS::SQS::Queue' } });
  for (const name of ['garden', 'tulip']) beside(app, name, 'request.json', '{}');
  beside(app, 'later', 'index.ts', '');
  beside(app, 'shared', 'words.ts', '');
  writeFileSync(join(app.root, 'functions', 'README.md'), '');
  await using dev = started(app, '--once');
  expect(await dev.ended).toBe(0);
  expect(dev.stdout()).toMatch(/✓ tulip {2}http\S+ {2}200 in \d+ ms, cold\n {2}1\n/);
  expect(dev.stdout()).toMatch(/· rose {2}http\S+ {2}no sample to ask it with/);
  expect(dev.stdout()).toMatch(/^· queue {2}http:\/\/127\.0\.0\.1:\d+\/000000000000\/a-Jobs$/m);
  expect(dev.stdout()).not.toContain('job');
  expect(dev.stderr()).toContain('garden: has a sample, but the CDK app deploys no such function');
  expect(dev.stderr()).toContain('functions/later: no function, it holds no function.ts');
  expect(dev.stderr()).not.toContain('shared');
});

it('ends with 1 where a function fails, golden answer or none', async () => {
  using app = testApp({ tulip: 'throw new Error("no bulb");' });
  beside(app, 'tulip', 'request.json', '{}');
  await using dev = started(app, '--once');
  expect(await dev.ended).toBe(1);
  expect(dev.stdout()).toMatch(/✗ tulip .* 502 in [\s\S]*it failed; its log says why: glowplug logs tulip/);
});

it.each([
  ['is no JSON', '{', /^\{"error":"expected JSON in \S+answer\.golden\.json: /m],
  [
    'lacks its tolerance',
    '{"status":200,"body":1}',
    /^\{"error":"expected \{ .* \} in \S+golden\.json, got no tolerance",/m,
  ],
])('says in which file a golden answer %s, without a stack', async (_what, golden, message) => {
  using app = testApp({ tulip: answers('1') });
  beside(app, 'tulip', 'request.json', '{}');
  beside(app, 'tulip', 'answer.golden.json', golden);
  await using dev = started(app, '--once', '--json');
  expect(await dev.ended).toBe(1);
  expect(dev.stderr()).toMatch(message);
  expect(dev.stderr()).not.toMatch(/^\s+at /m);
});

it('runs a job, which has no URL, for who invokes it, and knows its log', async () => {
  using app = testApp({ tulip: answers('1') });
  app.write(
    'job',
    'export const handler = async (event) => { if (event.fail) throw new Error("no"); return event; };',
    {
      url: false,
    },
  );
  await using dev = started(app, '--port', '0');
  await expect.poll(dev.stdout, { timeout: 20_000 }).toContain('The local cloud is up');
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue(app.root);
  onTestFinished(() => cwd.mockRestore());
  expect((await runCommand(logsCommand(), 'job')).exitCode).toBe(0);
  expect(await runCommand(invokeCommand(), 'job')).toEqual({ exitCode: 0, stdout: '{}\n', stderr: '' });
  expect(await runCommand(invokeCommand(), 'job', '--data', '{"fail":1}')).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('"errorMessage":"no"'),
  });
});

it('asks what was edited again, so that its fault is said when it is saved', async () => {
  using app = testApp({ tulip: answers('1') });
  beside(app, 'tulip', 'request.json', '{}');
  await using dev = started(app, '--port', '0');
  await expect.poll(dev.stdout, { timeout: 20_000 }).toContain('The local cloud is up');
  app.write('tulip', 'throw new Error("no bulb");');
  // What is watched; a synth follows.
  beside(app, 'tulip', 'function.ts', '');
  await expect.poll(dev.stdout, { timeout: 20_000 }).toMatch(/✗ tulip .* 502 in /);
  expect(dev.stderr()).toContain('reloaded tulip');
  expect(dev.stderr()).toContain('no bulb');
  beside(app, 'tulip', 'answer.golden.json', '{');
  await expect.poll(dev.stderr, { timeout: 20_000 }).toContain('nothing that is deployed changed');
});

function beside(app: TestApp, name: string, file: string, text: string): void {
  mkdirSync(join(app.root, 'functions', name), { recursive: true });
  writeFileSync(join(app.root, 'functions', name, file), text);
}

function started(app: TestApp, ...options: string[]) {
  const child = spawn(
    process.execPath,
    ['--conditions=glowplug-source', join(root, 'src/cli/main.ts'), 'dev', ...options],
    { cwd: app.root, env: { ...process.env, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
