// A stage with everything on in the local cloud, from infra/'s own template: two functions of it, for time's sake.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import iris from '../../models/iris.ts';
import spam from '../../models/spam.ts';
import { publish } from '../../src/models/publish.ts';
import { s3Store } from '../../src/models/stores/s3.ts';
import { buildVersion } from '../../src/release/build-version.ts';
import { type LocalCloud, startLocalCloud } from '../../src/testing/index.ts';
import { MetricFeed } from '../../src/testing/page/metric-feed.ts';
import { readSample } from '../../src/testing/samples.ts';
import { root } from '../root.ts';
import { everythingOn } from '../synth/everything-on.ts';
import { synthStage } from '../synth/synth-stage.ts';
import { dashboardPicture, dashboardWidgets } from './dashboard-picture.ts';
import { type LiveSignals, liveSignals } from './live-signals.ts';

describe('a stage with everything on in the local cloud', () => {
  const opened = new AsyncDisposableStack();
  let app: LiveSignals;
  let template: Template;
  let cloud: LocalCloud;
  const linesOf = (name: string) => cloud.function(name).logs().split('\n');
  beforeAll(async () => {
    const stage = opened.use(await synthStage('dev', everythingOn, ['iris', 'spam']));
    const file = join(stage.out, 'glowplug-dev-functions.template.json');
    template = Template.fromJSON(JSON.parse(await readFile(file, 'utf8')));
    const folder = await mkdtemp(join(tmpdir(), 'glowplug-whole-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    // What was synthesised is what the cloud is given when it asks for it.
    const copy = `import { cpSync } from 'node:fs'; cpSync(${JSON.stringify(stage.out)}, process.env.CDK_OUTDIR, { recursive: true });`;
    await writeFile(join(folder, 'app.mjs'), copy);
    await writeFile(join(folder, 'package.json'), '{}');
    await writeFile(join(folder, 'cdk.json'), JSON.stringify({ app: `"${process.execPath}" app.mjs` }));
    cloud = opened.use(await startLocalCloud({ root: folder }));

    const { region, credentials, endpoint, s3Endpoint } = cloud;
    const bucketLike = (name: string) => cloud.stores.find((one) => one.includes(name)) ?? '';
    const where = { bucket: bucketLike('modelstore'), prefix: '', region, endpoint: s3Endpoint };
    const store = await s3Store(where, { credentials });
    for (const definition of [iris, spam]) await publish(store, await buildVersion(definition, root));
    const client = { region, credentials, endpoint };
    const queueOf = (dead: boolean) => cloud.queues.find(({ id }) => id.includes('DeadLetters') === dead)?.url ?? '';
    app = {
      region,
      credentials,
      lambda: new LambdaClient(client),
      sqs: new SQSClient(client),
      s3: new S3Client({ ...client, endpoint: s3Endpoint, forcePathStyle: true }),
      url: (name) => cloud.function(name).url,
      functionName: (name) => name,
      queue: { jobs: queueOf(false), deadLetters: queueOf(true), results: `s3://${bucketLike('results')}/results` },
      lines: async (name) => linesOf(name).map((line) => ({ function: name, line })),
      async counted(name, metric) {
        const feed = new MetricFeed();
        for (const line of linesOf(name)) feed.hear(name, line);
        const found = feed.metrics.find((one) => one.name === metric && Object.keys(one.dimensions).length === 0);
        return found?.values.length ?? 0;
      },
      patience: 30_000,
      againAfter: 1,
    };
    opened.defer(() => {
      for (const one of [app.lambda, app.sqs, app.s3]) one.destroy();
    });
  }, 180_000);
  afterAll(() => opened.disposeAsync());

  liveSignals(() => app, 60_000);

  it('writes no credential into its logs, and nothing of what a client sent', () => {
    const logs = ['iris', 'spam', 'iris-quality'].flatMap(linesOf).join('\n');
    expect(logs).toContain('"status":200');
    expect(logs).not.toContain(cloud.credentials.secretAccessKey);
    const { body } = readSample(join(root, 'functions/spam'), 'spam')!;
    expect(new TextDecoder().decode(body)).toContain('valued member');
    expect(logs).not.toMatch(/valued member|no picture|sepalLength|petalWidth/);
  });

  it('has it all on its dashboard, as the guide’s picture shows', async () => {
    const short = await cloud.function('iris').fetch('/', { method: 'POST', body: '{"sepalLength":-1}' });
    expect(short.status).toBe(400);
    const widgets = dashboardWidgets(template, 'iris');
    expect(widgets).toHaveLength(14);
    const logs = Object.fromEntries(['iris', 'iris-quality'].map((name) => [name, linesOf(name)]));
    const drawn = dashboardPicture(widgets, logs);
    expect(drawn).toContain('>INPUT_SCHEMA</text>');
    expect(drawn.match(/<polyline /g)?.length).toBeGreaterThan(8);
    const path = join(root, 'docs/guide/dashboard.svg');
    if (process.env['GLOWPLUG_PICTURES']) await writeFile(path, drawn);
    const shown = await readFile(path, 'utf8');
    for (const { properties } of widgets) expect(shown).toContain(`${properties['title'] ?? '>iris<'}`);
  });
});
