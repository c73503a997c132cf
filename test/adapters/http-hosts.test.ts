// One suite for every HTTP host of a function: what a client sends arrives, and what the function answers comes back.
import type { Context as LambdaContext } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { answerEvent } from '../../src/adapters/lambda.ts';
import { type HttpRequest, standardRequest } from '../../src/core/light-http.ts';

const lambda = { awsRequestId: 'r-7', getRemainingTimeInMillis: () => 3000 } as LambdaContext;

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly query?: readonly (readonly [string, string])[];
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Uint8Array;
}

interface Host {
  /** What AWS makes of the request. */
  event(sent: Required<Omit<Sent, 'body'>> & { body: string | null; isBase64Encoded: boolean }): object;
  readonly limit: number;
  /** What its construct tells the function. */
  readonly namedRoutes?: boolean;
  /** False where a second header or parameter of a name covers the first. */
  readonly lists: boolean;
}

const grouped = (values: Sent['query'] = [], encode = (text: string) => text) => {
  const byName = Map.groupBy(values, ([name]) => encode(name));
  return Object.fromEntries([...byName].map(([name, all]) => [name, all.map(([, value]) => encode(value))]));
};
const last = (values: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(values).map(([name, list]) => [name, list.at(-1)]));
const search = (query: Sent['query'] = []) => query.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');

const payload2 =
  (stage: string, prefix = ''): Host['event'] =>
  ({ method, path, query, headers, body, isBase64Encoded }) => {
    const { cookie, ...others } = grouped(headers);
    return {
      version: '2.0',
      rawPath: `${prefix}${path}`,
      rawQueryString: search(query),
      headers: Object.fromEntries(Object.entries(others).map(([name, list]) => [name, list.join(',')])),
      ...(cookie ? { cookies: cookie } : {}),
      requestContext: { domainName: 'f.example', stage, http: { method } },
      ...(body === null ? {} : { body }),
      isBase64Encoded,
    };
  };
const rest =
  (requestContext: object, encode?: (text: string) => string): Host['event'] =>
  ({ method, path, query, headers, body, isBase64Encoded }) => ({
    httpMethod: method,
    path,
    headers: last(grouped(headers)),
    multiValueHeaders: grouped(headers),
    queryStringParameters: last(grouped(query, encode)),
    multiValueQueryStringParameters: query.length > 0 ? grouped(query, encode) : null,
    requestContext,
    body,
    isBase64Encoded,
  });
const elb = { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:…' } };

const hosts: Record<string, Host> = {
  'a function URL': { event: payload2('$default'), limit: 6e6, lists: true },
  'an HTTP API': { event: payload2('$default'), limit: 6e6, lists: true },
  'an HTTP API’s named stage': { event: payload2('prod', '/prod'), limit: 6e6, lists: true },
  // InferenceApi: the name of the route's function comes first, also before a path that is called so again.
  'an HTTP API before several functions': {
    event: (sent) => ({
      ...payload2('$default', '/iris')(sent),
      routeKey: `${sent.method} ${sent.path === '/' ? '/iris' : '/iris/{proxy+}'}`,
      stageVariables: { glowplugRoutes: 'named' },
    }),
    limit: 6e6,
    lists: true,
  },
  'somebody’s own HTTP API with routes': {
    event: (sent) => ({ ...payload2('$default')(sent), routeKey: `${sent.method} /a/{proxy+}` }),
    limit: 6e6,
    lists: true,
  },
  'a REST API': { event: rest({ stage: 'prod', domainName: 'f.example' }), limit: 6e6, lists: true },
  'a load balancer with lists': {
    event: (sent) => {
      const { headers: _, queryStringParameters: __, ...event } = Object(rest(elb, encodeURIComponent)(sent));
      return { ...event, body: sent.body ?? '' };
    },
    limit: 1e6,
    lists: true,
  },
  'a load balancer before several functions': {
    event: (sent) => {
      const made = Object(rest(elb, encodeURIComponent)(sent));
      const { headers: _, queryStringParameters: __, ...event } = made;
      return { ...event, path: sent.path === '/' ? '/iris' : `/iris${sent.path}`, body: sent.body ?? '' };
    },
    limit: 1e6,
    lists: true,
    namedRoutes: true,
  },
  'a load balancer': {
    event: (sent) => {
      const {
        multiValueHeaders: _,
        multiValueQueryStringParameters: __,
        ...event
      } = Object(rest(elb, encodeURIComponent)(sent));
      return { ...event, body: sent.body ?? '' };
    },
    limit: 1e6,
    lists: false,
  },
};

describe.each(Object.entries(hosts))('%s', (_name, { event, limit, lists, namedRoutes = false }) => {
  async function ask(sent: Sent, answer: (request: Request) => Promise<Response>) {
    const { method = 'POST', path = '/', query = [], headers = [['host', 'f.example']], body } = sent;
    const given = typeof body === 'string' ? body : body && Buffer.from(body).toString('base64');
    const made = event({
      method,
      path,
      query,
      headers,
      body: given ?? null,
      isBase64Encoded: typeof body === 'object',
    });
    const fetch = (request: HttpRequest) => answer(standardRequest(request));
    const result = Object(await answerEvent(fetch, made, lambda, { namedRoutes }));
    const all: Record<string, string[]> = { ...result.multiValueHeaders };
    for (const [name, value] of Object.entries<string>(result.headers ?? {})) all[name] = [value];
    if (result.cookies) all['set-cookie'] = result.cookies;
    return {
      status: result.statusCode,
      headers: all,
      bytes: Buffer.from(result.body, result.isBase64Encoded ? 'base64' : 'utf8'),
    };
  }

  async function arrives(sent: Sent): Promise<Request> {
    let arrived: Request | undefined;
    await ask(sent, async (request) => {
      arrived = request;
      return new Response();
    });
    if (!arrived) throw new Error('the function was not called');
    return arrived;
  }

  it('hands over method, path, query and headers as the client sent them', async () => {
    const request = await arrives({
      method: 'DELETE',
      path: '/v2/models/a%20b',
      query: [['q', 'ä&='], ['one', '1'], ...(lists ? [['q', '2'] as const] : [])],
      headers: [
        ['host', 'f.example'],
        ['x-user', 'ada'],
        ['cookie', 'a=1; b=2'],
      ],
    });
    const url = new URL(request.url);
    expect([request.method, url.host, url.pathname]).toEqual(['DELETE', 'f.example', '/v2/models/a%20b']);
    expect(url.searchParams.getAll('q')).toEqual(lists ? ['ä&=', '2'] : ['ä&=']);
    expect(url.searchParams.get('one')).toBe('1');
    expect(request.headers.get('x-user')).toBe('ada');
    expect(request.headers.get('cookie')).toBe('a=1; b=2');
  });

  it('carries text as it is and bytes as base64, both ways', async () => {
    const echo = async (request: Request) =>
      new Response(await request.arrayBuffer(), {
        headers: { 'content-type': request.headers.get('content-type') ?? '' },
      });
    const of = (type: string) => [['content-type', type] as const];
    const text = await ask({ headers: of('application/json'), body: '"hä\\u0000"' }, echo);
    expect(text.bytes.toString()).toBe('"hä\\u0000"');
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const binary = await ask({ headers: of('application/octet-stream'), body: bytes }, echo);
    expect(binary.bytes).toEqual(Buffer.from(bytes));
  });

  it('has no body where there is none, and ignores one of GET', async () => {
    expect(await (await arrives({})).text()).toBe('');
    expect(await (await arrives({ method: 'GET', body: 'x' })).text()).toBe('');
  });

  it('answers with status, headers and cookies', async () => {
    const headers = new Headers([
      ['set-cookie', 'a=1; Path=/'],
      ['set-cookie', 'b=2'],
      ['x-kept', '1'],
    ]);
    const answer = await ask({}, async () => new Response('no', { status: 418, headers }));
    expect(answer.status).toBe(418);
    expect(answer.headers['x-kept']).toEqual(['1']);
    expect(answer.headers['set-cookie']).toEqual(lists ? ['a=1; Path=/', 'b=2'] : ['b=2']);
  });

  it('answers 413 with the way for more where the host would cut the answer off', async () => {
    const large = async () => new Response('x'.repeat(1.1 * limit), { headers: { 'content-type': 'text/plain' } });
    const answer = await ask({}, large);
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.bytes.toString())).toMatchObject({
      code: 'OUTPUT_TOO_LARGE',
      remedy: expect.stringContaining('largeBodies: true'),
    });
    const fits = async () => new Response('x'.repeat(0.9 * limit), { headers: { 'content-type': 'text/plain' } });
    expect((await ask({}, fits)).status).toBe(200);
  });
});

it('a load balancer is told the status in words', async () => {
  const event = { requestContext: elb, httpMethod: 'GET', path: '/', headers: {}, body: '', isBase64Encoded: false };
  const result = await answerEvent(async () => new Response('', { status: 404 }), event, lambda);
  expect(result).toMatchObject({ statusDescription: '404 Not Found' });
});

it('a host that no URL has, and a path that is more than one, change neither the path nor whether there is an answer', async () => {
  const paths: string[] = [];
  const fetch = async (request: HttpRequest) => {
    paths.push(new URL(request.url).pathname);
    return new Response();
  };
  const alb = { requestContext: elb, httpMethod: 'GET', path: '/v2', body: '', isBase64Encoded: false };
  for (const host of ['', 'a b', 'a:b', '[', 'x/y?', 'x#', 'x:99999', 'a@b\\c']) {
    await answerEvent(fetch, { ...alb, headers: { host } }, lambda);
  }
  await answerEvent(fetch, { ...alb, path: '*', headers: { host: 'x' } }, lambda);
  // API Gateway's HTTP APIs decode the path.
  const { httpMethod: method } = alb;
  const decoded = { version: '2.0', rawPath: '/v2?a#b', headers: {}, requestContext: { http: { method } } };
  await answerEvent(fetch, decoded, lambda);
  expect(paths).toEqual([...Array(8).fill('/v2'), '/*', '/v2%3Fa%23b']);
});
