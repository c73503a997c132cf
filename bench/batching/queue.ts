// SQS: what do a function's records gain by coming in batches, over record by record? The real bundle in the local cloud,
// the real queue; each round fills a queue, then lets a poller of one batch size empty it.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type LocalCloud, startLocalCloud } from 'glowplug/testing';
import { systemClock } from '../../src/core/clock.ts';
import { openStore, publishAll } from '../../src/release/index.ts';
import { listen } from '../../src/testing/listen.ts';
import { readSamples } from '../../src/testing/samples.ts';
import { LocalQueues } from '../../src/testing/sqs/local-queues.ts';
import { QueuePoller } from '../../src/testing/sqs/queue-poller.ts';
import type { QueueSpec } from '../../src/testing/sqs/queue-spec.ts';
import { type Result, round, sample } from '../measure.ts';
import { type DistantResults, distantResults } from './distant-results.ts';

const root = join(import.meta.dirname, '../..');
const BATCH = 500;
/** Invocations at once, of both: what Lambda begins with. */
const CONCURRENCY = 5;
/** Record by record takes the longer the more there are: a tenth of them is enough for its rate. */
const ALONE_SHARE = 10;

export async function queueCase(records: number, rounds: number): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-bench-queue-'));
  try {
    const app = `"${process.execPath}" --conditions=glowplug-source ${join(import.meta.dirname, 'queue-app.ts')}`;
    await writeFile(join(folder, 'cdk.json'), JSON.stringify({ app }));
    await writeFile(join(folder, 'package.json'), '{}');
    await using s3 = await distantResults();
    process.env['GLOWPLUG_BENCH_S3'] = s3.url;
    await using cloud = await startLocalCloud({ root: folder, publish: false });
    s3.behind = cloud.s3Endpoint;
    for (const bucket of cloud.stores.filter((name) => name.includes('store'))) {
      await publishAll({ root, store: await openStore({ ...cloud, store: `s3://${bucket}` }) });
    }
    return await measure(cloud, s3, records, rounds);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(cloud: LocalCloud, s3: DistantResults, records: number, rounds: number): Promise<Result[]> {
  const { region, credentials } = cloud;
  const gate = { region, secretFor: () => credentials.secretAccessKey, now: () => new Date() };
  await using queues = new LocalQueues(gate);
  await using server = await listen(createServer(queues.listener), 0);
  const client = new SQSClient({ endpoint: server.url, region, credentials });
  const body = Buffer.from(readSamples(root).find(({ name }) => name === 'iris')?.body ?? []).toString();
  let sent = 0;
  const rate = async (count: number, batchSize: number) => {
    const name = `jobs-${sent}`;
    const arn = `arn:aws:sqs:${region}:000000000000:${name}`;
    const attributes = { VisibilityTimeout: '600' };
    const queue: QueueSpec = { id: name, name, url: `${server.url}/000000000000/${name}`, arn, attributes };
    await queues.ensure(queue);
    for (let from = 0; from < count; from += 10) {
      const Entries = Array.from({ length: 10 }, (_, i) => ({ Id: `${i}`, MessageBody: body }));
      await client.send(new SendMessageBatchCommand({ QueueUrl: queue.url, Entries }));
    }
    sent += count;
    const emptied = Promise.withResolvers<void>();
    const source = queues.source(queue);
    let left = count;
    const start = performance.now();
    using _poller = new QueuePoller({
      queue: {
        ...source,
        async delete(handles) {
          await source.delete(handles);
          left -= handles.length;
          if (left === 0) emptied.resolve();
        },
      },
      batchSize,
      windowMs: batchSize > 10 ? 1000 : 0,
      reportsFailures: true,
      concurrency: CONCURRENCY,
      visibilityMs: 600_000,
      async invoke({ payload }) {
        const answer = await cloud.function('iris').invoke(JSON.parse(Buffer.from(payload).toString()));
        return { kind: 'response', requestId: '', logTail: '', payload: Buffer.from(JSON.stringify(answer)) };
      },
      note: console.error,
      clock: systemClock,
    });
    await emptied.promise;
    return (1000 * count) / (performance.now() - start);
  };
  await rate(BATCH, BATCH);
  await rate(100, 1);
  const alone: number[] = [];
  const together: number[] = [];
  for (let i = 0; i < rounds; i++) {
    alone.push(await rate(Math.ceil(records / rounds / ALONE_SHARE / 10) * 10, 1));
    together.push(await rate(Math.ceil(records / rounds / 10) * 10, BATCH));
  }
  client.destroy();
  const ratio = sample(together.map((each, i) => each / (alone[i] ?? Number.NaN)));
  const what = `SQS, ${records} records of iris, batches of ${BATCH}, results in an S3 15 ms away`;
  const written = s3.keys.size;
  return [
    {
      case: what,
      metric: `records/s over record by record (${Math.round(sample(together).median)}); p10 ${round(ratio.p10)}, p90 ${round(ratio.p90)}`,
      value: round(ratio.median),
      unit: '×',
      against: `record by record, ${Math.round(sample(alone).median)} records/s`,
      ratio: round(ratio.median),
      reach: 5,
      met: ratio.median >= 5,
      runs: rounds,
    },
    {
      case: what,
      metric: 'answered, each once, warm-up and single ones included',
      value: written,
      unit: 'records',
      reach: sent,
      met: written === sent,
      runs: 1,
    },
  ];
}
