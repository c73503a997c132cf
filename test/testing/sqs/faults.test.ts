// Everything that can go wrong on a queue's way at once: batches that throw, runs that hang, environments that are
// killed, messages that come twice. Real processes, a real queue, a real bucket; only the visibility timeout does not wait.
import { createServer } from 'node:http';
import { join } from 'node:path';
import { ReceiveMessageCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { build } from 'esbuild';
import { afterEach, expect, it, vi } from 'vitest';
import { resultKey } from '../../../src/adapters/sqs.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { s3Results } from '../../../src/results/results.ts';
import { createBucket } from '../../../src/testing/buckets.ts';
import { createFaults } from '../../../src/testing/faults.ts';
import type { Invocation } from '../../../src/testing/invocation.ts';
import { listen } from '../../../src/testing/listen.ts';
import { s3Listener } from '../../../src/testing/s3/server.ts';
import { LocalQueues } from '../../../src/testing/sqs/local-queues.ts';
import { QueuePoller } from '../../../src/testing/sqs/queue-poller.ts';
import type { QueueSpec } from '../../../src/testing/sqs/queue-spec.ts';
import { withDuplicates } from '../../../src/testing/sqs/with-duplicates.ts';
import { root } from '../../root.ts';
import { long } from '../../runs.ts';
import { harness } from '../runtime/harness.ts';
import { temporaryFolder } from '../template/assembly.ts';

const records = long ? 10_000 : 200;
const batchSize = long ? 100 : 10;
const poisonEvery = 50;
const visibilitySeconds = 600;
/** A good record fails one time in ten: ten times in a row does not happen in ten thousand. */
const maxReceiveCount = 10;
const credentials = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'secret' };
const region = 'us-east-1';

/** Its answer is another at every run, so that a second one that counted would show. */
const source = `
import { inference } from 'glowplug';
const chance = (rate) => Math.random() < rate;
const fault = (what) => console.log('FAULT ' + what);
const answer = inference({
  input: { kind: 'json', decode: async (request) => await request.json() },
  predict: async ({ id, poison }) => {
    if (poison) return undefined;
    if (chance(0.008)) { fault('run hangs'); await new Promise(() => {}); }
    if (chance(0.002)) { fault('run blocks'); for (;;) {} }
    return { id, drawn: Math.random() };
  },
  encode: (output) => output ? Response.json(output) : Response.json({ code: 'INPUT_SCHEMA' }, { status: 400 }),
});
export const handler = async (event, context) => {
  if (chance(0.03)) setTimeout(() => { fault('environment killed'); process.kill(process.pid, 'SIGKILL'); }, 30 * Math.random());
  // Chance alone spares two hundred records now and then: the first batch with the first of them always throws.
  const sure = event.Records.some(({ body, attributes }) => JSON.parse(body).id === 0 && attributes.ApproximateReceiveCount === '1');
  if (sure || chance(0.025)) { fault('batch throws before'); throw new Error('before'); }
  const failures = await answer(event, context);
  if (chance(0.025)) { fault('batch throws after'); throw new Error('after'); }
  return failures;
};`;

afterEach(() => vi.restoreAllMocks());

it(
  `loses none of ${records} records, answers none of them differently twice, and buries the poison ones alone`,
  async () => {
    using folder = temporaryFolder();
    const bundle = await build({
      stdin: { contents: source, resolveDir: root, loader: 'ts' },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      conditions: ['glowplug-source'],
      external: ['onnxruntime-node', 'sharp'],
    });
    const gate = { secretFor: () => credentials.secretAccessKey, region, now: () => new Date() };
    await using queues = new LocalQueues(gate);
    await using sqs = await listen(createServer(queues.listener), 0);
    const bucket = await s3Listener({ folder: join(folder.path, 's3'), credentials });
    await using s3 = await listen(createServer(bucket.listener), 0);
    const place = { region, credentials, s3Endpoint: s3.url };
    await createBucket(place, { name: 'results', versioned: false });

    const queue = (name: string, attributes: Record<string, string> = {}): QueueSpec => {
      const arn = `arn:aws:sqs:${region}:000000000000:${name}`;
      return { id: name, name, url: `${sqs.url}/000000000000/${name}`, arn, attributes };
    };
    const [dead, told] = [queue('dead'), queue('told')];
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount });
    const jobs = queue('jobs', { VisibilityTimeout: `${visibilitySeconds}`, RedrivePolicy });
    for (const each of [dead, told, jobs]) await queues.ensure(each);

    const client = new SQSClient({ endpoint: sqs.url, region, credentials });
    const sent = new Map<string, { body: string; poison: boolean }>();
    for (let from = 0; from < records; from += 10) {
      const bodies = Array.from({ length: 10 }, (_, i) => ({ id: from + i, poison: (from + i) % poisonEvery === 7 }));
      const Entries = bodies.map((body, i) => ({ Id: `${i}`, MessageBody: JSON.stringify(body) }));
      const { Successful = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: jobs.url, Entries }));
      for (const { Id, MessageId = '' } of Successful) {
        const body = bodies[Number(Id)];
        sent.set(MessageId, { body: JSON.stringify(body), poison: body?.poison ?? false });
      }
    }
    expect(sent.size).toBe(records);

    await using h = harness({ where: { ...place, account: '000000000000' } });
    const work = h.add(bundle.outputFiles[0]?.text ?? '', {
      name: 'work',
      timeoutMs: 1500,
      environment: { GLOWPLUG_RESULTS: 's3://results/of', GLOWPLUG_RESULT_QUEUE: told.url },
    });
    const faults = createFaults({ functions: () => [], queues: () => [] });
    using duplicates = faults.duplicate({ rate: 0.1 });
    let running = 0;
    let invocations = 0;
    using _poller = new QueuePoller({
      queue: withDuplicates(queues.source(jobs), () => faults.onMessage('jobs')),
      batchSize,
      windowMs: 20,
      reportsFailures: true,
      concurrency: 3,
      visibilityMs: visibilitySeconds * 1000,
      invoke: async (invocation: Invocation) => {
        running++;
        invocations++;
        return await work.local.invoke(invocation).finally(() => running--);
      },
      note: () => {},
      clock: systemClock,
    });

    // Nobody waits for the visibility timeout: as soon as all is quiet, fauxqs’s clock is past it.
    const realNow = Date.now;
    let passed = 0;
    vi.spyOn(Date, 'now').mockImplementation(() => realNow() + passed);
    let quiet = 0;
    await vi.waitUntil(
      async () => {
        const { ready, hidden } = await queues.depth(jobs);
        quiet = running === 0 && ready === 0 ? quiet + 1 : 0;
        if (quiet >= 5 && hidden > 0) passed += visibilitySeconds * 1000 + 1;
        return quiet >= 5 && hidden === 0;
      },
      { timeout: long ? 600_000 : 60_000, interval: 20 },
    );
    vi.restoreAllMocks();

    const results = s3Results({ bucket: 'results', prefix: 'of', region, endpoint: s3.url }, { credentials });
    const answers = new Map<string, string>();
    let lost = 0;
    for (const [messageId, { body, poison }] of sent) {
      const result = await results.get(resultKey({ messageId, body }));
      if (result) answers.set(messageId, Buffer.from(result.body).toString());
      if (result ? poison : !poison) lost++;
    }
    const announcements = await drain(client, told);
    const different = announcements.filter((text) => {
      const { messageId, body } = JSON.parse(text);
      return answers.get(messageId) !== body;
    });
    const buried = (await drain(client, dead)).sort();
    const poison = [...sent.values()].flatMap((each) => (each.poison ? [each.body] : [])).sort();
    const struck = [...work.local.log.text.matchAll(/FAULT ([\w ]+)/g)].map(([, what = '']) => what);
    const timeouts = work.local.log.text.match(/Task timed out/g)?.length ?? 0;
    const count = (what: string) => struck.filter((each) => each.startsWith(what)).length;
    console.log(
      `SQS faults: ${records} records in ${invocations} invocations; ${duplicates.hits} duplicates, ` +
        `${count('batch throws')} batches threw, ${count('run hangs')} runs hung, ${timeouts} timed out, ` +
        `${count('environment')} environments were killed; ${lost} lost, ${different.length} answered differently, ` +
        `${buried.length} of ${poison.length} poison ones in the dead-letter queue, ${announcements.length} results sent`,
    );
    expect(lost).toBe(0);
    expect(different).toEqual([]);
    expect(buried).toEqual(poison);
    expect(new Set(announcements.map((text) => JSON.parse(text).messageId)).size).toBe(records - poison.length);
    // That something did go wrong.
    expect(duplicates.hits).toBeGreaterThan(0);
    expect(struck.length).toBeGreaterThan(0);
    client.destroy();
    await bucket.settled();
  },
  long ? 900_000 : 90_000,
);

async function drain(client: SQSClient, { url }: QueueSpec): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) return bodies;
    bodies.push(...Messages.map(({ Body = '' }) => Body));
  }
}
