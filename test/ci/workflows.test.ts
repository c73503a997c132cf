// The workflows of this repository and of new apps: what they may do, whose code they run, and that nothing secret goes through them.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { root } from '../root.ts';

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly uses?: string;
  readonly steps?: readonly Readonly<{ uses?: string; run?: string; with?: Readonly<Record<string, unknown>> }>[];
  readonly needs?: string;
  readonly environment?: string;
}

interface Part {
  readonly name: string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

interface Workflow {
  readonly on: unknown;
  readonly permissions: unknown;
  readonly concurrency?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** aws-cdk-lib's own copy: one test is no reason for a YAML library. */
const { parse }: { parse(text: string): Workflow } = createRequire(
  createRequire(import.meta.url).resolve('aws-cdk-lib/package.json'),
)('yaml');

const folders = ['.github/workflows', 'templates/app/github/workflows'];
const files = await Promise.all(
  folders.map(async (folder) => (await readdir(join(root, folder))).map((name) => join(folder, name))),
);
const workflows = await Promise.all(
  files.flat().map(async (file) => {
    const text = await readFile(join(root, file), 'utf8');
    const workflow = parse(text);
    return { file, text, workflow, jobs: Object.values(workflow.jobs) };
  }),
);

describe.each(workflows)('$file', ({ file, text, workflow, jobs }) => {
  const steps = jobs.flatMap((job) => job.steps ?? []);

  it('may read the code; only a job that takes a role of AWS may ask for an identity, and none may write anything', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const { permissions = {}, steps = [], uses } of jobs) {
      const takesRole = uses !== undefined || steps.some((step) => step.uses?.startsWith('aws-actions/'));
      expect(permissions).toEqual(takesRole ? { contents: 'read', 'id-token': 'write' } : {});
    }
  });

  it('runs others’ actions by commit, with the version beside it, and leaves no token in the checkout', () => {
    for (const [, uses = ''] of text.matchAll(/uses: (.+)$/gm)) {
      expect(uses).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$|^\.\/\.github\/workflows\/[\w-]+\.yml$/);
    }
    for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout'))) {
      expect(step.with).toMatchObject({ 'persist-credentials': false });
    }
  });

  it('knows no secret but the key that signs for prod, and puts nothing that others write into a shell', () => {
    const known = /\/deploy(-stage)?\.yml$/.test(file);
    const others = known ? text.replaceAll(/\$\{\{ secrets\.SIGNING_KEY \}\}/g, '') : text;
    expect(others).not.toMatch(/secrets\.|secrets: inherit|AWS_SECRET|aws-secret/);
    for (const { run = '' } of steps) expect(run).not.toContain('${{');
  });

  it('ends', () => {
    for (const job of jobs) if (!job.uses) expect(job['timeout-minutes']).toBeGreaterThan(0);
  });
});

it('every action is pinned to one commit everywhere', () => {
  const pins = workflows.flatMap(({ text }) => [...text.matchAll(/uses: ([\w-]+\/[\w-]+)@(\S+)/g)]);
  const commits = Object.groupBy(pins, ([, name = '']) => name);
  for (const uses of Object.values(commits)) expect(new Set(uses?.map(([, , commit]) => commit)).size).toBe(1);
});

it('a merge is deployed when it was tested, to dev, staging and prod in this order, one deploy at a time', () => {
  const { workflow } = workflows.find(({ file }) => file === '.github/workflows/deploy.yml')!;
  expect(workflow.on).toEqual({ push: { branches: ['main'] } });
  expect(workflow.concurrency).toEqual({ group: 'deploy', 'cancel-in-progress': false });
  expect(Object.entries(workflow.jobs).map(([name, { needs }]) => [name, needs])).toEqual([
    ['test', undefined],
    ['dev', 'test'],
    ['staging', 'dev'],
    ['prod', 'staging'],
  ]);
});

it('the key that signs is handed to prod alone', () => {
  const { workflow } = workflows.find(({ file }) => file === '.github/workflows/deploy.yml')!;
  const handed = Object.entries(workflow.jobs).filter(([, job]) => 'secrets' in job);
  expect(handed.map(([name]) => name)).toEqual(['prod']);
});

it('on each change of the lock file, and weekly, what is published is audited, and its parts are listed', async () => {
  const { workflow } = workflows.find(({ file }) => file.endsWith('supply-chain.yml'))!;
  expect(Object(workflow.on)).toMatchObject({
    pull_request: { paths: ['package-lock.json'] },
    schedule: [{ cron: expect.stringMatching(/ \* \* 1$/) }],
  });
  const commands = Object.values(workflow.jobs).flatMap(({ steps = [] }) => steps.flatMap(({ run }) => run ?? []));
  expect(commands).toContain('npm audit --omit=dev --audit-level=high');
  expect(commands).toContain('npm audit signatures');
  const [npm = '', ...args] = (commands.find((command) => command.startsWith('npm sbom')) ?? '')
    .split(' > ')[0]!
    .split(' ');
  // Offline: of what is installed.
  const { stdout } = await promisify(execFile)(npm, args, { cwd: root, maxBuffer: 10 ** 8 });
  const components: Part[] = JSON.parse(stdout).components;
  const isDevelopment = ({ properties = [] }: Part) =>
    properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true');
  const names = (development: boolean) =>
    components.flatMap((each) => (isDevelopment(each) === development ? [each.name] : []));
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  expect(names(false)).toEqual(expect.arrayContaining(Object.keys(dependencies)));
  expect(names(true)).toEqual(expect.arrayContaining(['sharp', 'valibot', 'vitest']));
}, 60_000);

it('what runs the code of a pull request never takes a role', () => {
  for (const { text, workflow } of workflows) {
    if (JSON.stringify(workflow.on).includes('pull_request'))
      expect(text).not.toMatch(/aws-actions|id-token|pull_request_target/);
  }
});

it('.ci/diff tells offline what a merge changes: what is new, what is another, what is gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-diff-'));
  onTestFinished(async () => await rm(folder, { recursive: true }));
  const made = join(folder, 'after');
  await writeFile(join(folder, 'app.mjs'), app);
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  await promisify(execFile)(process.execPath, [join(folder, 'app.mjs'), root], {
    env: { ...process.env, CDK_OUTDIR: made },
  });
  const before = join(folder, 'before');
  await cp(made, before, { recursive: true });
  await rm(join(before, 'fresh.template.json'));
  await writeFile(join(before, 'old.template.json'), '{}');
  const template = JSON.parse(await readFile(join(before, 'kept.template.json'), 'utf8'));
  template.Resources.Topic.Properties.DisplayName = 'was';
  await writeFile(join(before, 'kept.template.json'), JSON.stringify(template));
  const { stdout } = await promisify(execFile)(join(root, '.ci/diff'), [before, made], { cwd: root });
  expect(stdout.slice(0, stdout.indexOf('## kept'))).toContain('[+] AWS::SNS::Topic');
  expect(stdout).toMatch(/## kept[\s\S]*\[-\] was\n[\s\S]*\[\+\] is/);
  expect(stdout).toMatch(/## old\n\nis gone: nothing deletes it but `npx cdk destroy old`/);
}, 60_000);

const app = `
import { createRequire } from 'node:module';
const require = createRequire(process.argv[2] + '/package.json');
const { App, CfnResource, Stack } = require('aws-cdk-lib');
const app = new App({ analyticsReporting: false });
for (const name of ['fresh', 'kept']) {
  new CfnResource(new Stack(app, name), 'Topic', { type: 'AWS::SNS::Topic', properties: { DisplayName: 'is' } });
}
app.synth();
`;
