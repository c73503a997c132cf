// SQS in the local cloud: the real SDK talks to it, and the template's mappings feed the functions.
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../../src/testing/index.ts';
import { type TestApp, testApp } from '../app.ts';
import { behaviour } from '../behaviour.ts';

const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });

function queues(mapping: object = {}, queue: object = {}): Record<string, unknown> {
  return {
    Dead: { Type: 'AWS::SQS::Queue' },
    Jobs: {
      Type: 'AWS::SQS::Queue',
      Properties: {
        VisibilityTimeout: 1,
        RedrivePolicy: { deadLetterTargetArn: arn('Dead'), maxReceiveCount: 2 },
        ...queue,
      },
    },
    Source: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: arn('Jobs'),
        FunctionName: { Ref: 'work' },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ...mapping,
      },
    },
  };
}

/** A version of the function, and an alias of it. */
const live = {
  One: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'work' } } },
  Live: {
    Type: 'AWS::Lambda::Alias',
    Properties: {
      Name: 'live',
      FunctionName: { Ref: 'work' },
      FunctionVersion: { 'Fn::GetAtt': ['One', 'Version'] },
    },
  },
};

function appWith(source: string, resources: Record<string, unknown>, properties: object = {}): TestApp {
  const app = testApp({});
  app.write('work', source, { Timeout: 1, url: false, ...properties });
  app.resources(resources);
  return app;
}

function connect(cloud: LocalCloud) {
  const { endpoint, region, credentials } = cloud;
  const client = new SQSClient({ endpoint, region, credentials });
  const url = (id: string) => cloud.queues.find((queue) => queue.id === id)?.url;
  return {
    client,
    url,
    /** Waits for a message of the queue, as long as it may take. */
    async next(id: string) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({ QueueUrl: url(id), WaitTimeSeconds: 20, MessageSystemAttributeNames: ['All'] }),
      );
      return Messages[0];
    },
    [Symbol.dispose]: () => client.destroy(),
  };
}

/** Sends what it got to the queue Seen, which a test reads. */
const forward = `
export const handler = async (event) => {
  console.log('GOT ' + JSON.stringify(event));
  return { batchItemFailures: event.Records.filter(({ body }) => body === 'bad').map(({ messageId }) => ({ itemIdentifier: messageId })) };
};`;

describe('the local SQS', () => {
  it('answers the AWS SDK, and refuses who is not signed in', async () => {
    using app = appWith(forward, {});
    await using cloud = await startLocalCloud({ root: app.root });
    using sqs = connect(cloud);
    const { QueueUrl } = await sqs.client.send(new CreateQueueCommand({ QueueName: 'made' }));
    expect(QueueUrl).toBe(`${cloud.endpoint}/000000000000/made`);
    expect(await sqs.client.send(new GetQueueUrlCommand({ QueueName: 'made' }))).toMatchObject({ QueueUrl });
    await sqs.client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello sqs.us-east-1.localhost:1/' }));
    const { Messages } = await sqs.client.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(['hello sqs.us-east-1.localhost:1/']);
    const stranger = new SQSClient({
      endpoint: cloud.endpoint,
      region: cloud.region,
      credentials: { ...cloud.credentials, secretAccessKey: 'wrong' },
    });
    await expect(stranger.send(new ReceiveMessageCommand({ QueueUrl }))).rejects.toMatchObject({
      name: 'InvalidSignature',
    });
    stranger.destroy();
    await expect(sqs.client.send(new GetQueueUrlCommand({ QueueName: 'none' }))).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
    });
  });

  it('names the template’s queues by a URL that works, as those that are made', async () => {
    using app = appWith(forward, queues());
    await using cloud = await startLocalCloud({ root: app.root });
    using sqs = connect(cloud);
    const urls = cloud.queues.map(({ url }) => url);
    const { QueueUrl } = await sqs.client.send(new GetQueueUrlCommand({ QueueName: 'a-Jobs' }));
    expect(QueueUrl).toBe(sqs.url('Jobs'));
    expect((await sqs.client.send(new ListQueuesCommand())).QueueUrls?.toSorted()).toEqual(urls);
    await sqs.client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'good' }));
  });

  behaviour(
    'A message carries the X-Ray header of who sent it, one by one and in a batch, to its record and its dead-letter queue',
    'AWS X-Ray Developer Guide: Amazon SQS and AWS X-Ray',
    async () => {
      using app = appWith(forward, queues());
      await using cloud = await startLocalCloud({ root: app.root });
      using sqs = connect(cloud);
      const traced = (header: string) => ({
        MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String' as const, StringValue: header } },
      });
      const [one, two] = ['Root=1-00000000-000000000000000000000001', 'Root=1-00000000-000000000000000000000002'];
      const QueueUrl = sqs.url('Jobs');
      await sqs.client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'bad', ...traced(one) }));
      const Entries = [
        { Id: 'a', MessageBody: 'untraced' },
        { Id: 'b', MessageBody: 'traced', ...traced(two) },
      ];
      await sqs.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      const got = () =>
        new Map(
          [
            ...cloud
              .function('work')
              .logs()
              .matchAll(/GOT (\{.*\})/g),
          ]
            .flatMap(([, event = '']) => JSON.parse(event).Records)
            .map(({ body, attributes }) => [body, attributes.AWSTraceHeader]),
        );
      await expect.poll(got, { timeout: 10_000 }).toEqual(
        new Map([
          ['bad', one],
          ['untraced', undefined],
          ['traced', two],
        ]),
      );
      expect((await sqs.next('Dead'))?.Attributes).toMatchObject({ AWSTraceHeader: one });
      const dead = { QueueUrl: sqs.url('Dead') };
      await sqs.client.send(new SendMessageCommand({ ...dead, MessageBody: 'again', ...traced(two) }));
      const { Messages } = await sqs.client.send(new ReceiveMessageCommand({ ...dead, WaitTimeSeconds: 20 }));
      // Nobody asked for it.
      expect(Messages).toMatchObject([{ Body: 'again' }]);
      expect(Messages?.[0]).not.toHaveProperty('Attributes.AWSTraceHeader');
    },
  );

  behaviour(
    'A queue’s Ref is its URL, in the environment of functions too',
    'AWS CloudFormation Template Reference: AWS::SQS::Queue',
    async () => {
      using app = appWith('export const handler = async () => process.env;', queues(), {
        Environment: { Variables: { QUEUE: { Ref: 'Jobs' }, ARN: arn('Jobs') } },
      });
      await using cloud = await startLocalCloud({ root: app.root });
      expect(await cloud.function('work').invoke({})).toMatchObject({
        QUEUE: `${cloud.endpoint}/000000000000/a-Jobs`,
        ARN: 'arn:aws:sqs:us-east-1:000000000000:a-Jobs',
        AWS_ENDPOINT_URL_SQS: cloud.endpoint,
      });
      expect(cloud.queues.map(({ id }) => id)).toEqual(['Dead', 'Jobs']);
    },
  );

  behaviour(
    'Records carry body, attributes, message attributes and where they come from',
    'AWS Lambda Developer Guide: Using Lambda with Amazon SQS',
    async () => {
      using app = appWith(forward, queues());
      await using cloud = await startLocalCloud({ root: app.root });
      using sqs = connect(cloud);
      const MessageAttributes = {
        color: { DataType: 'String', StringValue: 'red' },
        raw: { DataType: 'Binary', BinaryValue: Uint8Array.of(1, 2) },
      };
      const sent = await sqs.client.send(
        new SendMessageCommand({ QueueUrl: sqs.url('Jobs'), MessageBody: 'good', MessageAttributes }),
      );
      const [record] = (await logged(cloud, 1))[0] ?? [];
      expect(record).toMatchObject({
        messageId: sent.MessageId,
        receiptHandle: expect.any(String),
        body: 'good',
        attributes: { ApproximateReceiveCount: '1', SentTimestamp: expect.stringMatching(/^\d{13}$/) },
        messageAttributes: {
          color: { stringValue: 'red', dataType: 'String', stringListValues: [], binaryListValues: [] },
          raw: { binaryValue: 'AQI=', dataType: 'Binary' },
        },
        md5OfBody: sent.MD5OfMessageBody,
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:a-Jobs',
        awsRegion: 'us-east-1',
      });
    },
  );

  behaviour(
    'A standard queue may deliver a message twice, after it was deleted, too; a FIFO queue does not (cloud.faults.duplicate)',
    'Amazon SQS Developer Guide: Amazon SQS at-least-once delivery',
    async () => {
      for (const fifo of [false, true]) {
        const name = fifo ? { QueueName: 'jobs.fifo', FifoQueue: true } : { QueueName: 'jobs' };
        const dead = fifo ? { FifoQueue: true, QueueName: 'dead.fifo' } : {};
        const resources = { ...queues({}, name), Dead: { Type: 'AWS::SQS::Queue', Properties: dead } };
        using app = appWith(forward, resources);
        await using cloud = await startLocalCloud({ root: app.root });
        using sqs = connect(cloud);
        using elsewhere = cloud.faults.duplicate({ queue: fifo ? 'dead.fifo' : 'a-Dead' });
        using twice = cloud.faults.duplicate({ queue: name.QueueName, times: 1 });
        for (const MessageBody of ['one', 'two']) {
          const grouped = fifo ? { MessageGroupId: 'g', MessageDeduplicationId: MessageBody } : {};
          await sqs.client.send(new SendMessageCommand({ QueueUrl: sqs.url('Jobs'), MessageBody, ...grouped }));
        }
        const times = fifo ? 2 : 3;
        const seen = (await recordsUntil(cloud, ({ length }) => length >= times)).map(({ messageId }) => messageId);
        expect([seen.length, new Set(seen).size]).toEqual([times, 2]);
        expect([elsewhere.hits, twice.hits]).toEqual([0, fifo ? 0 : 1]);
      }
    },
  );

  behaviour(
    'A record that fails maxReceiveCount times reaches the dead-letter queue, and its neighbours do not',
    'Amazon SQS Developer Guide: Using dead-letter queues in Amazon SQS',
    async () => {
      using app = appWith(forward, queues({ BatchSize: 3 }));
      await using cloud = await startLocalCloud({ root: app.root });
      using sqs = connect(cloud);
      const Entries = ['a', 'bad', 'b'].map((MessageBody, i) => ({ Id: `${i}`, MessageBody }));
      await sqs.client.send(new SendMessageBatchCommand({ QueueUrl: sqs.url('Jobs'), Entries }));
      expect(await sqs.next('Dead')).toMatchObject({ Body: 'bad' });
      const counts = (await logged(cloud, 2))
        .flat()
        .map(({ body, attributes }) => [body, attributes.ApproximateReceiveCount]);
      expect(counts.sort()).toEqual([
        ['a', '1'],
        ['b', '1'],
        ['bad', '1'],
        ['bad', '2'],
      ]);
      const { Attributes } = await sqs.client.send(
        new GetQueueAttributesCommand({ QueueUrl: sqs.url('Jobs'), AttributeNames: ['All'] }),
      );
      expect(Attributes).toMatchObject({
        ApproximateNumberOfMessages: '0',
        ApproximateNumberOfMessagesNotVisible: '0',
      });
    },
  );

  behaviour(
    'A FIFO queue’s message group is delivered in order, and a failed record holds the later ones of its group back',
    'AWS Lambda Developer Guide: Using Lambda with Amazon SQS, FIFO queues',
    async () => {
      const fifo = { FifoQueue: true, ContentBasedDeduplication: true, RedrivePolicy: undefined };
      const failsOnce = `
        const seen = new Set();
        export const handler = async (event) => {
          console.log('GOT ' + JSON.stringify(event));
          return { batchItemFailures: event.Records.filter(({ body }) => body === 'a1' && !seen.has(body) && seen.add(body)).map(({ messageId }) => ({ itemIdentifier: messageId })) };
        };`;
      using app = appWith(failsOnce, queues({}, fifo), { ReservedConcurrentExecutions: 1 });
      await using cloud = await startLocalCloud({ root: app.root });
      using sqs = connect(cloud);
      expect(sqs.url('Jobs')).toMatch(/a-Jobs\.fifo$/);
      for (const MessageBody of ['a0', 'a1', 'a2', 'b0', 'b1']) {
        const MessageGroupId = MessageBody.slice(0, 1);
        await sqs.client.send(new SendMessageCommand({ QueueUrl: sqs.url('Jobs'), MessageBody, MessageGroupId }));
      }
      const records = await recordsUntil(
        cloud,
        (all) => all.some(({ body }) => body === 'a2') && all.some(({ body }) => body === 'b1'),
      );
      const of = (group: string) => records.map(({ body }) => body).filter((body) => body.startsWith(group));
      expect(of('a')).toEqual(['a0', 'a1', 'a1', 'a2']);
      expect(of('b')).toEqual(['b0', 'b1']);
    },
  );

  behaviour(
    'An event source mapping of an alias invokes the alias: its version, by its ARN',
    'AWS Lambda Developer Guide: Implement Lambda canary deployments using a weighted alias',
    async () => {
      const tells = `export const handler = async (_, { functionVersion, invokedFunctionArn }) => {
        console.log('GOT ' + JSON.stringify({ Records: [functionVersion, invokedFunctionArn] }));
      };`;
      // An alias' ARN, and as CDK writes it: the function's name and the alias'.
      const name = { 'Fn::Select': [6, { 'Fn::Split': [':', { Ref: 'Live' }] }] };
      for (const FunctionName of [{ Ref: 'Live' }, { 'Fn::Join': ['', [name, ':live']] }]) {
        using app = appWith(tells, { ...queues({ FunctionName }), ...live });
        await using cloud = await startLocalCloud({ root: app.root });
        using sqs = connect(cloud);
        await sqs.client.send(new SendMessageCommand({ QueueUrl: sqs.url('Jobs'), MessageBody: 'good' }));
        const [said] = await logged(cloud, 1);
        expect(said).toEqual(['1', 'arn:aws:lambda:us-east-1:000000000000:function:a-work:live']);
      }
    },
  );

  it('goes on after a reload: messages stay, and the new function gets them', async () => {
    using app = appWith(
      'export const handler = async () => { throw new Error("not yet"); };',
      queues({}, { RedrivePolicy: undefined }),
    );
    await using cloud = await startLocalCloud({ root: app.root });
    using sqs = connect(cloud);
    await sqs.client.send(new SendMessageCommand({ QueueUrl: sqs.url('Jobs'), MessageBody: 'good' }));
    app.write('work', forward, { Timeout: 1, url: false });
    expect(await cloud.reload()).toEqual(['work']);
    expect((await logged(cloud, 1))[0]?.[0]).toMatchObject({ body: 'good' });
    app.resources({});
    await cloud.reload();
    expect(cloud.queues).toEqual([]);
  });

  it('names the mappings that it leaves out, and refuses those that AWS would', async () => {
    const said: string[] = [];
    using app = appWith(forward, queues({ FilterCriteria: { Filters: [] } }));
    await using cloud = await startLocalCloud({ root: app.root, onProgress: (line) => said.push(line) });
    expect(said).toContain('leaving out Source: it filters messages, which is not known here');
    const refused: [object, object, string][] = [
      [{ BatchSize: 11 }, {}, 'MaximumBatchingWindowInSeconds of at least 1'],
      [{ BatchSize: 10_001, MaximumBatchingWindowInSeconds: 1 }, {}, 'BatchSize to be 1 to 10000, got 10001'],
      [{ BatchSize: 11 }, { FifoQueue: true }, 'BatchSize to be 1 to 10, got 11'],
      [{ ScalingConfig: { MaximumConcurrency: 1 } }, {}, 'MaximumConcurrency to be 2 to 1000, got 1'],
      [{ FunctionName: { 'Fn::Join': ['', [arn('work'), ':next']] } }, {}, 'one of $LATEST of function work, got next'],
      [{}, { VisibilityTimeout: 0 }, 'VisibilityTimeout, 0 s, to be at least'],
    ];
    for (const [mapping, queue, message] of refused) {
      app.resources(queues(mapping, queue));
      await expect(cloud.reload()).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(message),
      });
    }
  });
});

interface LoggedRecord {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: { readonly ApproximateReceiveCount: string };
}

function batchesIn(cloud: LocalCloud): LoggedRecord[][] {
  return [
    ...cloud
      .function('work')
      .logs()
      .matchAll(/GOT (.*)/g),
  ].map(([, json = '']) => JSON.parse(json).Records);
}

async function logged(cloud: LocalCloud, batches: number): Promise<LoggedRecord[][]> {
  await expect.poll(() => batchesIn(cloud).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(batches);
  return batchesIn(cloud);
}

async function recordsUntil(cloud: LocalCloud, enough: (records: LoggedRecord[]) => boolean): Promise<LoggedRecord[]> {
  await expect.poll(() => enough(batchesIn(cloud).flat()), { timeout: 20_000 }).toBe(true);
  return batchesIn(cloud).flat();
}
