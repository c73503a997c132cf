// Prefer: respond-async: accepted, run by the queue, and found by the same caller alone, for a day.
import type { Context as LambdaContext } from 'aws-lambda';
import { describe, expect, it, vi } from 'vitest';
import { callerOf } from '../../src/adapters/caller.ts';
import { answerEvent } from '../../src/adapters/lambda.ts';
import type { HttpRequest } from '../../src/core/light-http.ts';
import { memoryBucket } from '../results/memory-bucket.ts';

const lambda = { awsRequestId: 'r-7', getRemainingTimeInMillis: () => 3000 } as LambdaContext;
const ada = 'arn:aws:sts::000000000000:assumed-role/app/ada';

type Fetch = (request: HttpRequest) => Promise<Response>;

function host(fetch: Fetch) {
  const bucket = memoryBucket();
  const messages: { MessageBody: string; MessageAttributes: Record<string, { StringValue: string }> }[] = [];
  let now = 0;
  const outlet = {
    results: bucket.results,
    region: 'us-east-1',
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    callbacks: [],
    resultQueue: undefined,
    queue: 'http://sqs.test/000000000000/jobs',
    now: () => now,
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      messages.push(Object(await new Request(input, init).json()));
      return new Response();
    },
  };
  const extras = { outlet: async () => outlet, later: async () => outlet };
  const quietly = async (event: object) => {
    const log = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    return Object(await answerEvent(fetch, event, lambda, extras).finally(() => log.mockRestore()));
  };
  return {
    ...bucket,
    messages,
    pass(ms: number) {
      now += ms;
    },
    async ask(
      method: string,
      rawPath: string,
      options: { caller?: string; headers?: object; body?: string; more?: object } = {},
    ) {
      const { caller = ada, headers = {}, body, more } = options;
      const result = await quietly({
        version: '2.0',
        rawPath,
        rawQueryString: 'q=1',
        headers,
        requestContext: { http: { method }, authorizer: { iam: { userArn: caller } } },
        ...(body === undefined ? {} : { body }),
        ...more,
      });
      return { status: result.statusCode, headers: result.headers, body: result.body };
    },
    /** What Lambda makes of the message, again and again if need be. */
    async deliver(): Promise<number> {
      const Records = messages.map(({ MessageBody, MessageAttributes }, i) => ({
        messageId: `m${i}`,
        body: MessageBody,
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:us-east-1:0:jobs',
        attributes: { ApproximateReceiveCount: '1' },
        messageAttributes: Object.fromEntries(
          Object.entries(MessageAttributes).map(([name, { StringValue }]) => [
            name,
            { stringValue: StringValue, dataType: 'String' },
          ]),
        ),
      }));
      return (await quietly({ Records })).batchItemFailures.length;
    },
  };
}

const later = { prefer: 'wait=10, respond-async', 'content-type': 'application/json' };

describe('a request that prefers to be answered later', () => {
  it('is 202 with a place, where its answer is once the queue has run it', async () => {
    const seen: object[] = [];
    const { ask, deliver } = host(async (request) => {
      seen.push({ url: request.url, headers: Object.fromEntries(request.headers), body: await request.json() });
      return Response.json({ ok: true }, { headers: { 'x-glowplug-model': 'iris=iris:1.0.0' } });
    });
    const headers = { ...later, authorization: 'secret', cookie: 'a=1', 'x-amz-security-token': 't', 'x-user': 'ada' };
    const accepted = await ask('POST', '/v2/x', { headers, body: '{"n":1}' });
    expect(accepted).toMatchObject({
      status: 202,
      headers: { 'preference-applied': 'respond-async', 'retry-after': '1' },
    });
    const { location } = accepted.headers;
    expect(location).toMatch(/^\/async\/[\w-]{43}$/);
    expect(await ask('GET', location)).toMatchObject({ status: 202, headers: { 'retry-after': '1' }, body: '' });
    expect(await deliver()).toBe(0);
    expect(seen).toEqual([
      {
        url: 'https://localhost/v2/x?q=1',
        headers: { 'content-type': 'application/json', 'x-user': 'ada' },
        body: { n: 1 },
      },
    ]);
    for (let i = 0; i < 2; i++) {
      expect(await ask('GET', location)).toMatchObject({
        status: 200,
        headers: { 'content-type': 'application/json', 'x-glowplug-model': 'iris=iris:1.0.0' },
        body: '{"ok":true}',
      });
    }
  });

  it('is found where its answer has no body, and without proofs of who asked, whoever checked them', async () => {
    const seen: string[] = [];
    const { ask, deliver } = host(async ({ headers }) => {
      seen.push(...[...headers].map(([name]) => name));
      return new Response(null, { status: 204 });
    });
    const proofs = {
      'proxy-authorization': 'secret',
      'x-amzn-oidc-data': 'a.b.c',
      'x-amzn-oidc-accesstoken': 'secret',
    };
    const { location } = (await ask('POST', '/', { headers: { ...later, ...proofs }, body: '{}' })).headers;
    await deliver();
    expect(await ask('GET', location)).toMatchObject({ status: 204 });
    expect(seen).toEqual(['content-type']);
  });

  it('is found behind an API of several functions: its place begins with the function’s name', async () => {
    const { ask, deliver } = host(async () => Response.json('found'));
    const more = (routeKey: string) => ({ routeKey, stageVariables: { glowplugRoutes: 'named' } });
    for (const [path, route] of [
      ['/iris', 'POST /iris'],
      ['/iris/', 'POST /iris/{proxy+}'],
      ['/iris/v2/x', 'POST /iris/{proxy+}'],
    ] as const) {
      const { location } = (await ask('POST', path, { headers: later, body: '{}', more: more(route) })).headers;
      expect(location).toMatch(/^\/iris\/async\/[\w-]{43}$/);
      await deliver();
      expect(await ask('GET', location, { more: more('GET /iris/{proxy+}') })).toMatchObject({
        status: 200,
        body: '"found"',
      });
    }
  });

  it('is answered once, however often its message comes', async () => {
    let runs = 0;
    const { ask, deliver } = host(async () => Response.json(++runs));
    const { location } = (await ask('POST', '/', { headers: later, body: '{}' })).headers;
    await Promise.all([deliver(), deliver()]);
    const first = await ask('GET', location);
    await deliver();
    expect(await ask('GET', location)).toEqual(first);
  });

  it('finds its mistake at its place; our own failures are tried again', async () => {
    const statuses = [500, 429, 400];
    const { ask, deliver } = host(async () => Response.json({ code: 'X' }, { status: statuses.shift() ?? 200 }));
    const { location } = (await ask('POST', '/', { headers: later, body: '{}' })).headers;
    expect([await deliver(), await deliver(), await deliver(), await deliver()]).toEqual([1, 1, 0, 0]);
    expect(await ask('GET', location)).toMatchObject({ status: 400, body: '{"code":"X"}' });
  });

  it('has a place that nobody can guess, that is nobody else’s, and that is gone after a day', async () => {
    const { ask, deliver, pass, objects } = host(async () => Response.json('secret'));
    const { location } = (await ask('POST', '/', { headers: later, body: '{}' })).headers;
    await deliver();
    const nothing = await ask('GET', `/async/${'A'.repeat(43)}`);
    expect(nothing).toMatchObject({ status: 404 });
    expect(await ask('GET', location, { caller: `${ada}2` })).toEqual(nothing);
    expect(await ask('GET', location, { caller: '' })).toEqual(nothing);
    // Who can read the bucket’s keys, or the queue, learns no place.
    const token = location.slice('/async/'.length);
    expect([...objects.keys()].filter((key) => key.includes(token))).toEqual([]);
    for (const odd of ['', `${token}/..`, `${token}/x`, `${token}%00`]) {
      expect((await ask('GET', `/async/${odd}`)).status).toBe(404);
    }
    expect((await ask('GET', location)).status).toBe(200);
    pass(24 * 3_600_000);
    expect(await ask('GET', location)).toEqual(nothing);
  });

  it('whose answer is too large for Lambda is led to S3', async () => {
    const { ask, deliver } = host(async () => new Response(new Uint8Array(5_000_000)));
    const { location } = (await ask('POST', '/', { headers: later, body: '{}' })).headers;
    await deliver();
    const { status, headers } = await ask('GET', location);
    expect(status).toBe(303);
    const link = new URL(headers.location);
    expect(link.pathname).toMatch(/^\/results\/here\/async\/[0-9a-f]{64}\/result$/);
    expect(Object.fromEntries(link.searchParams)).toMatchObject({
      'X-Amz-Expires': '300',
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('is an error with a code when it cannot be kept', async () => {
    const { ask, faults } = host(async () => new Response());
    faults.push(403);
    expect(await ask('POST', '/', { headers: later, body: '{}' })).toMatchObject({ status: 500 });
  });

  it('is answered at once where the function has no queue, as RFC 7240 allows', async () => {
    const event = {
      version: '2.0',
      rawPath: '/',
      headers: later,
      requestContext: { http: { method: 'POST' } },
      body: '1',
    };
    const answer = await answerEvent(async () => Response.json('now'), event, lambda);
    expect(answer).toMatchObject({ statusCode: 200, body: '"now"' });
  });
});

it('callers are told apart by what their host found out', () => {
  const of = (requestContext: object) => callerOf({ requestContext });
  expect(of({ authorizer: { iam: { userArn: ada } } })).toBe(ada);
  expect(of({ authorizer: { jwt: { claims: { iss: 'https://id.test', sub: '7' } } } })).toBe('https://id.test 7');
  expect(of({ authorizer: { lambda: { keyId: '0123456789ab' } } })).toBe('0123456789ab');
  expect(of({ identity: { userArn: ada } })).toBe(ada);
  expect(of({ identity: { userArn: null }, authorizer: { principalId: 'p' } })).toBe('p');
  expect([of({}), callerOf({})]).toEqual(['', '']);
});
