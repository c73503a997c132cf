// The guide page "Watch the quality": its commands make a baseline, its app runs in the local cloud, and the job and the commands
// tell the same traffic from other traffic and say how often the function was right.
import { readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { cloudFolder } from '../../src/cli/cloud-folder.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { rememberRunningCloud } from '../../src/cli/running-cloud.ts';
import { seededRandom } from '../../src/core/seeded-random.ts';
import { s3Store } from '../../src/models/stores/s3.ts';
import { readCaptured } from '../../src/quality/read-captured.ts';
import { startLocalCloud } from '../../src/testing/index.ts';
import { runCommand } from '../cli/run-command.ts';
import { root } from '../root.ts';
import { pageApp } from './page-app.ts';

const page = readFileSync(join(root, 'docs/guide/11-watch-quality.md'), 'utf8');
const blocks = [...page.matchAll(/```(sh|text|ts file=(\S+))\n([\s\S]*?)```/g)].map(
  ([, kind = '', file, text = '']) => ({ kind, file, text }),
);
const before = { cwd: process.cwd(), env: { ...process.env } };
afterAll(() => {
  process.chdir(before.cwd);
  process.env = before.env;
});

/** One of the three kinds, around its mean lengths; `grown` times as long. */
const random = seededRandom(1);
const means = [
  [5, 3.4, 1.5, 0.25],
  [5.9, 2.8, 4.3, 1.3],
  [6.6, 3, 5.6, 2],
] as const;
const flower = (grown = 1) =>
  (means[Math.floor(random() * 3)] ?? means[0]).map((mean) => grown * mean * (0.9 + random() * 0.2));

it('does as docs/guide/11-watch-quality.md says', async () => {
  await using app = await pageApp(page);
  const [, example = ''] = /such as `training\/1\.json`:\n\n```json\n(.*)\n```/.exec(page) ?? [];
  expect(Object.keys(JSON.parse(example))).toEqual(['lengths']);
  for (let at = 0; at < 150; at++) {
    await app.write(`training/${at}.json`, JSON.stringify({ lengths: flower() }));
  }
  process.chdir(app.root);
  const shell = blocks.filter(({ kind }) => kind === 'sh' || kind === 'text');
  expect(shell.map(({ kind }) => kind)).toEqual(['sh', 'text', 'sh', 'text', 'sh', 'text']);
  const [make, made, look, looked, tell, told] = shell.map(({ text }) => text);

  // Where glowplug publishes when nobody says where.
  await run('glowplug publish');
  expect(await run(make)).toMatch(pattern(made));
  expect(JSON.parse(await readFile('functions/tulip/baseline.json', 'utf8'))).toMatchObject({ prediction: 'class' });

  await using cloud = await startLocalCloud({ root: app.root });
  const { credentials, region, endpoint } = cloud;
  const bucket = cloud.stores.find((name) => name.includes('kept')) ?? '';
  const inCloud = (line = '') => run(line.replaceAll('s3://kept', `s3://${bucket}`));
  Object.assign(process.env, {
    AWS_REGION: region,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  });
  const tulip = cloud.function('tulip');
  const ask = async (count: number, grown?: number) => {
    for (let at = 0; at < count; at++) {
      const body = JSON.stringify({ lengths: flower(grown) });
      expect((await tulip.fetch('/', { method: 'POST', body })).status).toBe(200);
    }
  };
  const job = cloud.function('tulip-quality');
  const watch = async () => Object(await job.invoke({ 'detail-type': 'Scheduled Event' }));

  await ask(130);
  const same = await watch();
  // The last of an environment may still be under way.
  expect(same.captured).toBeGreaterThanOrEqual(128);
  expect(same.drift.features.filter(({ drifts }: { drifts: boolean }) => drifts)).toEqual([]);
  expect(await inCloud(look)).toMatch(pattern(looked));
  // As the page says of `glowplug dev`, which writes down where it is.
  await mkdir(cloudFolder(app.root), { recursive: true });
  await rememberRunningCloud(app.root, cloud);
  expect(await run('glowplug quality tulip --kept local')).toMatch(/^tulip {2}1\d\d captured requests/);
  const drawn = await readFile('tulip.html', 'utf8');
  expect(drawn.match(/<svg /g)).toHaveLength(4);
  expect(drawn).not.toContain('class="drifts"');

  const store = await s3Store({ bucket, prefix: '', region, endpoint }, { credentials });
  const day = { from: new Date(Date.now() - 86_400_000), to: new Date() };
  const { records } = await readCaptured(store, 'tulip', day);
  const labels = records.slice(0, 50).map(({ requestId, features }, at) => ({
    requestId,
    label: at < 45 ? features['class'] : 'none of them',
  }));
  const lines = [...labels, labels[0], { requestId: 'of nobody', label: 'setosa' }].map((one) => JSON.stringify(one));
  await app.write('labels.jsonl', lines.join('\n'));
  expect(await inCloud(tell)).toMatch(pattern(told));
  const { accuracy } = await watch();
  expect(accuracy).toMatchObject({ labelled: 50, right: 45, repeated: 1, contradictory: 0, unknown: 1, late: 0 });
  expect(accuracy.interval).toEqual([expect.closeTo(0.786, 2), expect.closeTo(0.957, 2)]);

  await ask(200, 1.5);
  const other = await watch();
  const drifting = other.drift.features.flatMap((one: { drifts: boolean; name: string }) =>
    one.drifts ? one.name : [],
  );
  expect(drifting).toEqual(expect.arrayContaining(['petal', 'sepal']));
  const [line = ''] = job
    .logs()
    .split('\n')
    .filter((each) => each.includes('"Drifting"'))
    .slice(-1);
  expect(JSON.parse(line.slice(line.indexOf('{')))).toMatchObject({
    FunctionName: expect.stringContaining('TulipQualityJob'),
    Drifting: drifting.length,
    Accuracy: 0.9,
  });
  expect(await inCloud(look)).toContain('not what the function was released for');
}, 180_000);

async function run(lines = ''): Promise<string> {
  let printed = '';
  for (const line of lines.trim().split('\n')) {
    const words = line.split(' ');
    const name = words.indexOf('glowplug');
    for (const assignment of words.slice(0, name)) {
      const [variable = '', value] = assignment.split('=');
      process.env[variable] = value;
    }
    const [command = '', ...args] = words.slice(name + 1);
    const found = buildProgram().commands.find((one) => one.name() === command);
    if (!found) throw new Error(`no command ${command}`);
    const shown = await runCommand(found, ...args);
    if (shown.exitCode !== 0) throw new Error(`${line}: ${shown.stderr}`);
    printed += shown.stdout;
    delete process.env['GLOWPLUG_CAPTURE'];
  }
  return printed;
}

/** `…` stands for whatever came. */
function pattern(text = ''): RegExp {
  const lines = text.trimEnd().split('\n');
  return new RegExp(
    lines
      .map((line) =>
        line
          .split('…')
          .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
          .join('.*'),
      )
      .join('\\n(?:.*\\n)*?'),
  );
}
