// What a stage with everything on does wherever it runs, beyond answering its URLs: its queue, its logs, its metrics, its quality.
import { createHash } from 'node:crypto';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { AwsClient } from 'aws4fetch';
import { expect, it } from 'vitest';
import { explainRequest } from '../../src/testing/explain-request.ts';
import type { LoggedLine } from '../../src/testing/log-files.ts';
import { difference, readSamples } from '../../src/testing/samples.ts';
import { root } from '../root.ts';
import type { LiveApp } from './live-app.ts';

export interface LiveSignals extends Pick<LiveApp, 'region' | 'credentials' | 'lambda' | 'url' | 'functionName'> {
  readonly sqs: SQSClient;
  readonly s3: S3Client;
  /** Of spam: URLs of its queues, and `s3://bucket/prefix` of its answers. */
  readonly queue: { readonly jobs: string; readonly deadLetters: string; readonly results: string };
  /** What is logged about a request of a function by now. */
  lines(name: string, requestId: string): Promise<readonly LoggedLine[]>;
  /** How many values of a metric, whose dimension is the function alone, have arrived in the last hour. */
  counted(name: string, metric: string): Promise<number>;
  /** Milliseconds that a log, a metric or a second delivery may take. */
  readonly patience: number;
  /** Seconds after which a record that failed may come again: as it is deployed, they are three minutes. */
  readonly againAfter: number;
}

/** Within a describe; `app` is asked for when a test runs. */
export function liveSignals(app: () => LiveSignals, timeout: number): void {
  const samples = readSamples(root);
  const sampleOf = (name: string) => samples.find((sample) => sample.name === name)!;
  const ask = async (name: string) => {
    const { credentials, region, url } = app();
    const { body, contentType } = sampleOf(name);
    const signer = new AwsClient({ ...credentials, region, service: 'lambda', retries: 0 });
    const response = await signer.fetch(url(name), { method: 'POST', headers: { 'content-type': contentType }, body });
    await response.arrayBuffer();
    expect(response.status).toBe(200);
    return response.headers.get('x-request-id') ?? '';
  };

  it('answers what comes through the queue; what it cannot answer is in the dead-letter queue', {
    timeout,
  }, async () => {
    const { sqs, s3, queue, patience, againAfter } = app();
    const { body, golden } = sampleOf('spam');
    const send = async (MessageBody: string, type: string) => {
      const MessageAttributes = { 'content-type': { DataType: 'String', StringValue: type } };
      const { MessageId = '' } = await sqs.send(
        new SendMessageCommand({ QueueUrl: queue.jobs, MessageBody, MessageAttributes }),
      );
      return `${MessageId}/${createHash('sha256').update(MessageBody).digest('hex')}`;
    };
    const good = await send(Buffer.from(body).toString(), 'text/plain');
    const [, Bucket, prefix] = /^s3:\/\/([^/]+)\/(.+)$/.exec(queue.results) ?? [];
    const result = async () => {
      const found = await s3.send(new GetObjectCommand({ Bucket, Key: `${prefix}/${good}` })).catch(() => undefined);
      return await found?.Body?.transformToString();
    };
    await expect.poll(result, { timeout: patience, interval: 500 }).toBeDefined();
    const answer = JSON.parse((await result()) ?? '');
    expect(difference(golden?.body, answer, golden?.tolerance ?? 0)).toBeUndefined();

    const QueueUrl = queue.jobs;
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] }),
    );
    const RedrivePolicy = JSON.stringify({ ...JSON.parse(Attributes?.RedrivePolicy ?? ''), maxReceiveCount: 2 });
    const soon = { RedrivePolicy, VisibilityTimeout: `${againAfter}` };
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: soon }));
    const bad = await send('no picture', 'image/png');
    const dead: string[] = [];
    const look = async () => {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: queue.deadLetters, WaitTimeSeconds: 1 }),
      );
      dead.push(...Messages.flatMap(({ MessageId }) => MessageId ?? []));
      return dead;
    };
    await expect.poll(look, { timeout: patience, interval: 500 }).toContain(bad.split('/')[0]);
    expect(dead).not.toContain(good.split('/')[0]);
  });

  it('logs a request in one line that its id finds, and counts it', { timeout }, async () => {
    const { lines, counted, patience } = app();
    const requestId = await ask('iris');
    const told = async () => explainRequest(requestId, await lines('iris', requestId))?.request;
    await expect.poll(told, { timeout: patience, interval: 500 }).toBeDefined();
    expect(await told()).toMatchObject({ status: 200, runs: [{ model: 'iris', version: '1.0.0' }] });
    await expect.poll(() => counted('iris', 'Latency'), { timeout: patience, interval: 500 }).toBeGreaterThan(0);
  });

  it('keeps a share of the requests, and its job finds them', { timeout }, async () => {
    const { lambda, functionName, patience } = app();
    const captured = async () => {
      // One of ten is kept: of thirty, 96 times in a hundred one or more.
      for (let at = 0; at < 30; at++) await ask('iris');
      const { Payload = new Uint8Array(), FunctionError } = await lambda.send(
        new InvokeCommand({ FunctionName: functionName('iris-quality'), Payload: Buffer.from('{}') }),
      );
      expect(FunctionError).toBeUndefined();
      return JSON.parse(Buffer.from(Payload).toString()).captured;
    };
    await expect.poll(captured, { timeout: patience, interval: 500 }).toBeGreaterThan(0);
  });
}
