// A function URL with a function that is faked: what reaches it, and what its caller gets.
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { AwsClient } from 'aws4fetch';
import { describe, expect, it } from 'vitest';
import { type FunctionUrlOptions, functionUrlListener } from '../../src/testing/function-url.ts';
import type { Invocation, Outcome } from '../../src/testing/invocation.ts';
import { listen } from '../../src/testing/listen.ts';
import { behaviour } from './behaviour.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-secret' };
const returns = (value: unknown): Outcome => ({
  kind: 'response',
  requestId: 'r',
  payload: Buffer.from(JSON.stringify(value)),
  logTail: '',
});

/** A URL whose function answers `outcome`, and the events that reached it. */
async function open(outcome: Outcome = returns('ok'), options: Partial<FunctionUrlOptions> = {}) {
  const invocations: Invocation[] = [];
  const listener = functionUrlListener({
    invoke: async (invocation) => {
      invocations.push(invocation);
      return outcome;
    },
    auth: 'NONE',
    secretFor: (id) => (id === credentials.accessKeyId ? credentials.secretAccessKey : undefined),
    urlId: 'abcdef',
    region: 'eu-west-1',
    account: '123456789012',
    now: () => new Date('2026-03-12T19:03:58.123Z'),
    ...options,
  });
  const bound = await listen(createServer(listener), 0);
  return {
    ...bound,
    invocations,
    event: () => JSON.parse(Buffer.from(invocations.at(-1)!.payload).toString()),
  };
}

describe('lambda behaviour: CORS of a function URL', () => {
  const cors = {
    allowOrigins: ['https://page.example'],
    allowMethods: ['POST'],
    allowHeaders: ['content-type', 'x-own'],
    exposeHeaders: ['x-glowplug-model'],
    allowCredentials: true,
    maxAge: 600,
  };
  const origin = 'https://page.example';
  const of = (response: Response) =>
    Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('access-control-')));

  behaviour(
    'A URL with CORS answers preflights itself: no function runs and nobody signs',
    'AWS Lambda Developer Guide: Creating and managing Lambda function URLs',
    async () => {
      await using url = await open(returns('ok'), { cors, auth: 'AWS_IAM' });
      const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-own' };
      const preflight = await fetch(url.url, { method: 'OPTIONS', headers });
      expect([preflight.status, of(preflight)]).toEqual([
        200,
        {
          'access-control-allow-origin': origin,
          'access-control-allow-credentials': 'true',
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': 'content-type,x-own',
          'access-control-expose-headers': 'x-glowplug-model',
          'access-control-max-age': '600',
        },
      ]);
      expect(url.invocations).toHaveLength(0);
      const stranger = await fetch(url.url, { method: 'OPTIONS', headers: { ...headers, origin: 'https://other' } });
      expect(of(stranger)).toEqual({});
    },
  );

  behaviour(
    'A URL with CORS adds its headers to every answer for an allowed origin, in place of the function’s own',
    'AWS Lambda Developer Guide: Creating and managing Lambda function URLs',
    async () => {
      const result = {
        statusCode: 200,
        headers: { 'Access-Control-Allow-Origin': 'https://function.example', 'x-a': '1' },
      };
      await using url = await open(returns(result), { cors });
      const answer = await fetch(url.url, { headers: { origin } });
      expect([answer.headers.get('x-a'), of(answer)]).toEqual([
        '1',
        {
          'access-control-allow-origin': origin,
          'access-control-allow-credentials': 'true',
          'access-control-expose-headers': 'x-glowplug-model',
        },
      ]);
      expect(of(await fetch(url.url, { headers: { origin: 'https://other' } }))).toEqual({});
      expect(of(await fetch(url.url))).toEqual({});
      await using open_ = await open(returns('ok'), {
        cors: { ...cors, allowOrigins: ['*'], allowCredentials: false },
      });
      expect(of(await fetch(open_.url, { headers: { origin } }))).toMatchObject({ 'access-control-allow-origin': '*' });
    },
  );

  behaviour(
    'A URL without CORS leaves it to the function: OPTIONS reaches it, and its headers go out',
    'AWS Lambda Developer Guide: Creating and managing Lambda function URLs',
    async () => {
      await using url = await open(returns({ statusCode: 204, headers: { 'Access-Control-Allow-Origin': '*' } }));
      const headers = { origin, 'access-control-request-method': 'POST' };
      const answer = await fetch(url.url, { method: 'OPTIONS', headers });
      expect([answer.status, of(answer)]).toEqual([204, { 'access-control-allow-origin': '*' }]);
      expect(url.event()).toMatchObject({ requestContext: { http: { method: 'OPTIONS' } } });
    },
  );
});

describe('lambda behaviour: the event of a function URL', () => {
  behaviour(
    'A function URL’s event is payload format 2.0: path, query, lower-case headers, and a context of the request',
    'AWS Lambda Developer Guide: Invoking Lambda function URLs',
    async () => {
      await using url = await open();
      const headers = { 'X-Some-Header': 'value', 'user-agent': 'agent/1', 'content-type': 'application/json' };
      await fetch(`${url.url}/my/path?parameter=value`, { method: 'POST', headers, body: '{"a":1}' });
      expect(url.event()).toMatchObject({
        version: '2.0',
        routeKey: '$default',
        rawPath: '/my/path',
        rawQueryString: 'parameter=value',
        queryStringParameters: { parameter: 'value' },
        headers: { 'x-some-header': 'value', host: 'abcdef.lambda-url.eu-west-1.on.aws', 'x-forwarded-proto': 'https' },
        requestContext: {
          accountId: 'anonymous',
          apiId: 'abcdef',
          domainName: 'abcdef.lambda-url.eu-west-1.on.aws',
          domainPrefix: 'abcdef',
          http: { method: 'POST', path: '/my/path', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'agent/1' },
          requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          routeKey: '$default',
          stage: '$default',
          time: '12/Mar/2026:19:03:58 +0000',
          timeEpoch: 1773342238123,
        },
        body: '{"a":1}',
        isBase64Encoded: false,
      });
    },
  );

  behaviour(
    'Headers and query parameters that come several times are joined with commas; cookies are a list of their own',
    'AWS Lambda Developer Guide: Invoking Lambda function URLs',
    async () => {
      await using url = await open();
      await raw(url.port, [
        'GET /?a=1&b=2&a=3%204 HTTP/1.1',
        'Host: x',
        'X-Many: 1',
        'X-Many: 2',
        'Cookie: c1=1; c2=2',
        'Cookie: c3=3',
        'Connection: close',
      ]);
      const event = url.event();
      expect(event.headers['x-many']).toBe('1,2');
      expect(event.queryStringParameters).toEqual({ a: '1,3 4', b: '2' });
      expect(event.cookies).toEqual(['c1=1', 'c2=2', 'c3=3']);
      expect(event.headers).not.toHaveProperty('cookie');
    },
  );

  behaviour(
    'Path and query stay percent-encoded',
    'AWS Lambda Developer Guide: Invoking Lambda function URLs',
    async () => {
      await using url = await open();
      await fetch(`${url.url}/a%20b%2Fc?q=%C3%BC+x`);
      expect(url.event()).toMatchObject({ rawPath: '/a%20b%2Fc', rawQueryString: 'q=%C3%BC+x' });
      expect(url.event().queryStringParameters).toEqual({ q: 'ü x' });
    },
  );

  behaviour(
    'A body of text/*, JSON, XML or JavaScript arrives as text, any other, or one without a content type, as base64',
    'AWS Lambda Developer Guide: Invoking Lambda function URLs',
    async () => {
      await using url = await open();
      const arrives = async (type: string | undefined) => {
        const body = Buffer.from('{"ü":1}');
        await fetch(url.url, {
          method: 'POST',
          body,
          ...(type === undefined ? {} : { headers: { 'content-type': type } }),
        });
        const event = url.event();
        expect(Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8')).toEqual(body);
        return event.isBase64Encoded ? 'base64' : 'text';
      };
      for (const type of [
        'text/plain',
        'text/html; charset=utf-8',
        'application/json',
        'Application/XML',
        'application/javascript',
      ]) {
        expect([type, await arrives(type)]).toEqual([type, 'text']);
      }
      for (const type of ['image/png', 'application/octet-stream', 'application/x-www-form-urlencoded', undefined]) {
        expect([type, await arrives(type)]).toEqual([type, 'base64']);
      }
    },
  );

  behaviour(
    'A request without a body has none in its event, and isBase64Encoded is false',
    'AWS Lambda Developer Guide: Invoking Lambda function URLs',
    async () => {
      await using url = await open();
      await fetch(url.url);
      expect(url.event()).not.toHaveProperty('body');
      expect(url.event().isBase64Encoded).toBe(false);
    },
  );

  behaviour(
    'The trace id in the event’s headers is the one of the invocation, and the caller’s where it sent one',
    'AWS Lambda Developer Guide: Visualize Lambda function invocations using AWS X-Ray',
    async () => {
      await using url = await open();
      await fetch(url.url, { headers: { 'x-amzn-trace-id': 'Root=1-a-b' } });
      expect([url.invocations[0]!.traceId, url.event().headers['x-amzn-trace-id']]).toEqual([
        'Root=1-a-b',
        'Root=1-a-b',
      ]);
      await fetch(url.url);
      expect(url.event().headers['x-amzn-trace-id']).toBe(url.invocations[1]!.traceId);
      expect(url.invocations[1]!.traceId).toMatch(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/);
    },
  );
});

describe('lambda behaviour: what a function URL answers', () => {
  behaviour(
    'A result with a statusCode is the answer: status, headers, cookies, and a body that may be base64',
    'AWS Lambda Developer Guide: Invoking Lambda function URLs',
    async () => {
      const result = { headers: { 'Content-Type': 'image/png', 'X-N': 1 }, cookies: ['a=1', 'b=2; Secure'] };
      const body = Buffer.from([0, 255, 1]).toString('base64');
      await using url = await open(returns({ statusCode: 201, ...result, body, isBase64Encoded: true }));
      const answer = await fetch(url.url);
      expect([answer.status, answer.headers.get('content-type'), answer.headers.get('x-n')]).toEqual([
        201,
        'image/png',
        '1',
      ]);
      expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2; Secure']);
      expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([0, 255, 1]);
    },
  );

  behaviour(
    'A result without a statusCode is the JSON body of a 200',
    'AWS Lambda Developer Guide: Invoking Lambda function URLs',
    async () => {
      for (const value of [{ message: 'hi' }, 'Hello, world!', [1], null]) {
        await using url = await open(returns(value));
        const answer = await fetch(url.url);
        expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
        expect(await answer.json()).toEqual(value);
      }
    },
  );

  behaviour(
    'A function that fails or times out, or whose result is no HTTP answer, is 502 Internal Server Error, and the error stays inside',
    'AWS Lambda Developer Guide: Troubleshoot execution issues in Lambda',
    async () => {
      const failed: Outcome = {
        kind: 'error',
        requestId: 'r',
        functionError: 'Unhandled',
        payload: Buffer.from('{"errorType":"Sandbox.Timedout","errorMessage":"secret"}'),
        logTail: '',
      };
      const unusable = [
        { statusCode: 'x' },
        { statusCode: 99 },
        { statusCode: 200, body: {} },
        { statusCode: 200, headers: { 'bad name': '1' } },
        { statusCode: 200, headers: { a: 'x\r\ny: z' } },
      ];
      for (const outcome of [failed, ...unusable.map(returns)]) {
        await using url = await open(outcome);
        const answer = await fetch(url.url);
        expect([answer.status, await answer.json()]).toEqual([502, { Message: 'Internal Server Error' }]);
      }
    },
  );

  behaviour(
    'A throttled function URL answers 429',
    'AWS Lambda Developer Guide: Understanding Lambda function scaling',
    async () => {
      await using url = await open({ kind: 'throttled', reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' });
      const answer = await fetch(url.url);
      expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([429, 'TooManyRequestsException']);
    },
  );

  behaviour(
    'A body over 6 MB, or one whose event would be, is 413 before any function runs',
    'AWS Lambda Developer Guide: Lambda quotas',
    async () => {
      await using url = await open();
      const answer = await fetch(url.url, { method: 'POST', body: Buffer.alloc(6 * 2 ** 20 + 1) });
      expect([answer.status, url.invocations.length]).toEqual([413, 0]);
      await using event = await open({ kind: 'too-large', bytes: 7_000_000 });
      expect((await fetch(event.url)).status).toBe(413);
    },
  );

  it('an answer of 204 has neither a body nor a length, and HEAD has no body', async () => {
    await using url = await open(returns({ statusCode: 204 }));
    const answer = await fetch(url.url);
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([204, null, '']);
    await using text = await open(returns({ statusCode: 200, body: 'four' }));
    const head = await fetch(text.url, { method: 'HEAD' });
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['4', '']);
  });

  it('an invocation that the local cloud itself fails is a 502 too', async () => {
    const invoke = () => Promise.reject(new Error('not for clients'));
    await using url = await open(undefined, { invoke });
    const answer = await fetch(url.url);
    expect([answer.status, await answer.json()]).toEqual([502, { Message: 'Internal Server Error' }]);
  });
});

describe('lambda behaviour: who may call a function URL', () => {
  const signer = (change: object = {}) =>
    new AwsClient({ ...credentials, region: 'eu-west-1', service: 'lambda', ...change });
  const at = { datetime: '20260312T190358Z' };

  behaviour(
    'A URL of auth type AWS_IAM takes a request that is signed with SigV4, and its event names the caller',
    'AWS Lambda Developer Guide: Control access to Lambda function URLs',
    async () => {
      await using url = await open(returns('ok'), { auth: 'AWS_IAM' });
      const answer = await fetch(
        await signer().sign(`${url.url}/p%20q?x=%2F`, { method: 'POST', body: 'hi', aws: at }),
      );
      expect(answer.status).toBe(200);
      expect(url.event().requestContext).toMatchObject({
        accountId: '123456789012',
        authorizer: { iam: { accessKey: 'AKIDEXAMPLE', accountId: '123456789012' } },
      });
    },
  );

  behaviour(
    'A URL of auth type AWS_IAM refuses with 403 what is unsigned, signed wrongly, too late, for another body or another region',
    'AWS Lambda Developer Guide: Control access to Lambda function URLs',
    async () => {
      await using url = await open(returns('ok'), { auth: 'AWS_IAM' });
      const unsigned = await fetch(url.url);
      expect([unsigned.status, await unsigned.json()]).toEqual([403, { Message: 'Forbidden' }]);
      const attempts = [
        signer({ secretAccessKey: 'wrong' }).sign(url.url, { aws: at }),
        signer({ accessKeyId: 'AKIDOTHER' }).sign(url.url, { aws: at }),
        signer({ region: 'us-east-1' }).sign(url.url, { aws: at }),
        signer({ service: 's3' }).sign(url.url, { aws: at }),
        signer().sign(url.url, { aws: { datetime: '20260312T184300Z' } }),
        signer()
          .sign(url.url, { method: 'POST', body: 'a', aws: at })
          .then((signed) => new Request(signed, { body: 'b' })),
      ];
      for (const attempt of attempts) {
        const answer = await fetch(await attempt);
        expect([answer.status, Object.keys(Object(await answer.json()))]).toEqual([403, ['Message']]);
      }
      expect(url.invocations).toEqual([]);
    },
  );

  behaviour(
    'A URL of auth type NONE takes everyone',
    'AWS Lambda Developer Guide: Control access to Lambda function URLs',
    async () => {
      await using url = await open();
      expect((await fetch(url.url)).status).toBe(200);
    },
  );
});

/** As fetch never sends it: lines as they are. Answers when the server hangs up. */
function raw(port: number, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(`${lines.join('\r\n')}\r\n\r\n`));
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.on('end', () => resolve(text)).on('error', reject);
  });
}
