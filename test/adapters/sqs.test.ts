// SQS events: records become requests that run together, results are written once, failures go back alone.
import type { Context as LambdaContext } from 'aws-lambda';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { answerEvent } from '../../src/adapters/lambda.ts';
import { resultKey, toRequest } from '../../src/adapters/sqs.ts';
import type { SqsRecord } from '../../src/adapters/sqs-event.ts';
import type { HttpRequest } from '../../src/core/light-http.ts';
import type { Context } from '../../src/handler/context.ts';
import { memoryBucket } from '../results/memory-bucket.ts';
import { runs } from '../runs.ts';

const lambda = { awsRequestId: 'r-7', getRemainingTimeInMillis: () => 30_000 } as LambdaContext;

interface Given extends Partial<Omit<SqsRecord, 'messageAttributes'>> {
  readonly group?: string;
  readonly count?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

function record(messageId: string, { group, count = 1, headers = {}, ...over }: Given = {}) {
  return {
    messageId,
    body: JSON.stringify({ of: messageId }),
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:us-east-1:0:jobs${group === undefined ? '' : '.fifo'}`,
    attributes: { ApproximateReceiveCount: `${count}`, ...(group === undefined ? {} : { MessageGroupId: group }) },
    messageAttributes: Object.fromEntries(
      Object.entries(headers).map(([name, stringValue]) => [name, { stringValue, dataType: 'String' }]),
    ),
    ...over,
  };
}

type Fetch = (request: HttpRequest, context: Context) => Promise<Response>;

function host(fetch: Fetch, options: { callbacks?: string[]; resultQueue?: string } = {}) {
  const bucket = memoryBucket();
  const sent: { url: string; body: unknown }[] = [];
  let sending: (url: string) => Response = () => new Response();
  const outlet = {
    results: bucket.results,
    region: 'us-east-1',
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    callbacks: options.callbacks ?? [],
    resultQueue: options.resultQueue,
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init);
      const { MessageSystemAttributes: trace, ...body } = Object(await request.json());
      const xray = request.headers.get('x-amzn-trace-id') ?? trace.AWSTraceHeader.StringValue;
      expect(xray).toMatch(/^Root=1-[\da-f]{8}-[\da-f]{24};Parent=[\da-f]{16};Sampled=0$/);
      sent.push({ url: request.url, body });
      return sending(request.url);
    },
  };
  return {
    ...bucket,
    sent,
    answering(answer: (url: string) => Response) {
      sending = answer;
    },
    async handle(...Records: object[]): Promise<string[]> {
      const log = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
      const answer = await answerEvent(fetch, { Records }, lambda, { outlet: async () => outlet }).finally(() =>
        log.mockRestore(),
      );
      const { batchItemFailures } = answer as { batchItemFailures: { itemIdentifier: string }[] };
      return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    },
    async result(messageId: string) {
      return await bucket.results.get(resultKey(record(messageId)));
    },
  };
}

const echo: Fetch = async (request) => Response.json(await request.json());

describe('an SQS record', () => {
  it('is a POST of its body, whose text attributes are headers', async () => {
    const request = toRequest(record('m', { headers: { 'x-user': 'ada', 'bad name': 'x' }, body: 'hé' }));
    expect(request.method).toBe('POST');
    expect(Object.fromEntries(request.headers)).toEqual({ 'content-type': 'application/json', 'x-user': 'ada' });
    expect(await request.text()).toBe('hé');
  });

  it('carries bytes as base64', async () => {
    const headers = { 'content-type': 'image/png', 'Content-Transfer-Encoding': 'base64' };
    const request = toRequest(record('m', { headers, body: '/wD/' }));
    expect(request.headers.get('content-type')).toBe('image/png');
    expect(await request.bytes()).toEqual(Uint8Array.of(255, 0, 255));
  });

  it('is answered in S3 under its id and its content, with the message id as the request’s id', async () => {
    const ids: string[] = [];
    const { handle, result, objects } = host(async (request, context) => {
      ids.push(context.requestId);
      return echo(request, context);
    });
    expect(await handle(record('m1'), record('m2'))).toEqual([]);
    expect(ids).toEqual(['m1', 'm2']);
    expect(Buffer.from((await result('m1'))?.body ?? []).toString()).toBe('{"of":"m1"}');
    expect([...objects.keys()][0]).toMatch(/^\/results\/here\/m1\/[0-9a-f]{64}$/);
  });

  it('runs beside the others, so that they meet in a batcher', async () => {
    const all = Promise.withResolvers<void>();
    let waiting = 0;
    const together: Fetch = async (request, context) => {
      if (++waiting === 100) all.resolve();
      await all.promise;
      return echo(request, context);
    };
    const { handle } = host(together);
    expect(await handle(...Array.from({ length: 100 }, (_, i) => record(`m${i}`)))).toEqual([]);
  });

  it('that is refused or fails goes back alone', async () => {
    const { handle, result } = host(async (request) => {
      const { of } = Object(await request.json());
      if (of === 'm1') return Response.json({ code: 'INPUT_SCHEMA' }, { status: 400 });
      if (of === 'm2') return Response.json({ code: 'INTERNAL' }, { status: 500 });
      if (of === 'm3') throw new Error('not a pipeline');
      return Response.json(of);
    });
    expect(await handle(...['m0', 'm1', 'm2', 'm3', 'm4'].map((id) => record(id)))).toEqual(['m1', 'm2', 'm3']);
    expect([await result('m0'), await result('m1')]).toMatchObject([{ status: 200 }, undefined]);
  });

  it('that S3 does not take goes back', async () => {
    const { handle, faults } = host(echo);
    faults.push(403);
    expect(await handle(record('m1'), record('m2'))).toEqual(['m1']);
  });

  it('whose answer is not ready at the deadline goes back, with time to say so', async () => {
    const soon = { ...lambda, getRemainingTimeInMillis: () => 20 } as LambdaContext;
    const bucket = memoryBucket();
    const outlet = async () => ({
      ...bucket,
      region: 'us-east-1',
      credentials: undefined,
      callbacks: [],
      resultQueue: undefined,
    });
    const waits: Fetch = (_request, { signal }) =>
      new Promise((resolve) => signal?.addEventListener('abort', () => resolve(new Response('', { status: 504 }))));
    const log = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const answer = await answerEvent(waits, { Records: [record('m1')] }, soon, { outlet }).finally(() =>
      log.mockRestore(),
    );
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
  });
});

describe('a record that comes again', () => {
  it('is answered with the first result and does not run again', async () => {
    let runs = 0;
    const { handle, sent } = host(async () => Response.json(++runs), { resultQueue: 'http://sqs.test/0/results' });
    await handle(record('m1'));
    await handle(record('m1', { count: 2 }));
    expect(runs).toBe(1);
    expect(sent[1]).toEqual(sent[0]);
  });

  it('at the same moment runs twice and is answered once', async () => {
    let runs = 0;
    const { handle, sent, objects } = host(async () => Response.json(++runs), {
      resultQueue: 'http://sqs.test/0/results',
    });
    await Promise.all([handle(record('m1'), record('m1')), handle(record('m1'))]);
    expect(runs).toBe(3);
    expect(objects.size).toBe(1);
    expect(new Set(sent.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  it('with other content under the same id is another request', async () => {
    const { handle, objects } = host(echo);
    await handle(record('m1'), record('m1', { body: '{"of":"else"}' }));
    expect(objects.size).toBe(2);
  });
});

describe('a FIFO queue’s records', () => {
  it('run in the order of their group, and what follows a failure is left to it', async () => {
    const ran: string[] = [];
    const { handle } = host(async (request) => {
      const { of } = Object(await request.json());
      ran.push(of);
      return new Response(of, { status: of === 'a2' ? 500 : 200 });
    });
    const records = ['a1', 'b1', 'a2', 'a3', 'b2'].map((id) => record(id, { group: id.slice(0, 1) }));
    expect(await handle(...records)).toEqual(['a2', 'a3']);
    expect(ran.filter((id) => id.startsWith('a'))).toEqual(['a1', 'a2']);
    expect(ran.filter((id) => id.startsWith('b'))).toEqual(['b1', 'b2']);
  });

  it('keep every group’s order and lose nobody, whatever fails', async () => {
    let cases = 0;
    const shape = fc.array(fc.record({ group: fc.constantFrom('a', 'b', 'c'), fails: fc.boolean() }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(shape, async (given) => {
        cases++;
        const ran: number[] = [];
        const { handle } = host(async (request) => {
          const { at } = Object(await request.json());
          ran.push(at);
          return new Response('', { status: given[at]?.fails ? 400 : 200 });
        });
        const failed = await handle(
          ...given.map(({ group }, at) => record(`${at}`, { group, body: JSON.stringify({ at }) })),
        );
        for (const name of ['a', 'b', 'c']) {
          const members = given.flatMap(({ group }, at) => (group === name ? [at] : []));
          const first = members.findIndex((at) => given[at]?.fails);
          const expected = first < 0 ? [] : members.slice(first);
          expect(failed.map(Number).filter((at) => members.includes(at))).toEqual(expected);
          expect(ran.filter((at) => members.includes(at))).toEqual(first < 0 ? members : members.slice(0, first + 1));
        }
      }),
      { numRuns: runs(100) },
    );
    console.log(`FIFO: ${cases} random batches in order`);
  });
});

describe('a result', () => {
  const queue = 'http://sqs.test/000000000000/results';
  const hook = 'https://hooks.example.com/a?b=1';

  it('is sent to the result queue and to an allowed callback, with its body', async () => {
    const { handle, sent } = host(echo, { callbacks: ['https://hooks.example.com'], resultQueue: queue });
    expect(await handle(record('m1', { headers: { callback: hook } }))).toEqual([]);
    const announcement = {
      messageId: 'm1',
      status: 200,
      location: `s3://results/here/${resultKey(record('m1'))}`,
      headers: { 'content-type': 'application/json' },
      body: '{"of":"m1"}',
      isBase64Encoded: false,
    };
    expect(sent).toEqual([
      { url: hook, body: announcement },
      { url: 'http://sqs.test/', body: { QueueUrl: queue, MessageBody: expect.any(String), MessageAttributes: {} } },
    ]);
    expect(JSON.parse(Object(sent[1]?.body).MessageBody)).toEqual(announcement);
  });

  it('of more than 128 KB is sent as its location, bytes as base64', async () => {
    const { handle, sent } = host(
      async (request) => {
        const { of } = Object(await request.json());
        return new Response(new Uint8Array(of === 'large' ? 131_073 : 3));
      },
      { resultQueue: queue },
    );
    await handle(record('large'));
    await handle(record('small'));
    const messages = sent.map(({ body }) => JSON.parse(Object(body).MessageBody));
    expect(messages[0]).not.toHaveProperty('body');
    expect(messages[1]).toMatchObject({ body: 'AAAA', isBase64Encoded: true });
  });

  it('goes to no other callback: the record is refused before it runs', async () => {
    let ran = 0;
    const { handle, sent } = host(
      async () => {
        ran++;
        return new Response();
      },
      { callbacks: ['https://hooks.example.com'] },
    );
    const forbidden = [
      'http://hooks.example.com/',
      'https://hooks.example.com:444/',
      'https://hooks.example.com.evil.test/',
      'https://user:pass@hooks.example.com/',
      'http://169.254.169.254/latest/meta-data/',
      'http://127.0.0.1:9001/2018-06-01/runtime/invocation/next',
      'file:///etc/passwd',
      'no url',
    ];
    const records = forbidden.map((callback, i) => record(`m${i}`, { headers: { callback } }));
    expect(await handle(...records)).toEqual(records.map(({ messageId }) => messageId));
    expect([ran, sent]).toEqual([0, []]);
  });

  it('that is not taken sends the record back; the second time it is read, not run', async () => {
    let ran = 0;
    const { handle, answering } = host(async () => Response.json(++ran), { resultQueue: queue });
    for (const answer of [() => new Response('', { status: 500 }), () => Response.redirect('http://evil.test/')]) {
      answering(answer);
      expect(await handle(record('m1', { count: 2 }))).toEqual(['m1']);
    }
    answering(() => new Response());
    expect(await handle(record('m1', { count: 3 }))).toEqual([]);
    expect(ran).toBe(1);
  });
});
