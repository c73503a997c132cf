// Load balancers in the local cloud: which rule a request meets, what the function is told of it, and what it may answer.
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toRequest, withoutName } from '../../src/adapters/alb.ts';
import { isAlbEvent } from '../../src/adapters/alb-event.ts';
import { type LocalCloud, startLocalCloud } from '../../src/testing/index.ts';
import { type AlbRule, matchRule } from '../../src/testing/load-balancer-rule.ts';
import { root } from '../root.ts';
import { type TestApp, testApp } from './app.ts';
import { behaviour } from './behaviour.ts';

/** Tells its event, or answers what the request says it should. */
const tells = (name: string) => `export const handler = async (event, { functionVersion }) => {
  const asked = event.path.endsWith('/answer') && JSON.parse(Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8'));
  if (asked) return asked.bytes ? { statusCode: 200, body: 'x'.repeat(asked.bytes) } : asked;
  const body = JSON.stringify({ name: '${name}', version: functionVersion, event });
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, multiValueHeaders: { 'content-type': ['application/json'] }, body };
};`;

/** As CDK writes them. */
function resources(): Record<string, unknown> {
  const elb = (type: string, Properties: object) => ({ Type: `AWS::ElasticLoadBalancingV2::${type}`, Properties });
  const group = (Id: unknown, lists = true) =>
    elb('TargetGroup', {
      TargetType: 'lambda',
      Targets: [{ Id }],
      TargetGroupAttributes: [{ Key: 'lambda.multi_value_headers.enabled', Value: `${lists}` }],
    });
  const forward = (id: string) => [{ Type: 'forward', TargetGroupArn: { Ref: id } }];
  const paths = (...Values: string[]) => ({ Field: 'path-pattern', PathPatternConfig: { Values } });
  const rule = (Priority: number, Actions: object[], ...Conditions: object[]) =>
    elb('ListenerRule', { ListenerArn: { Ref: 'Https' }, Priority, Actions, Conditions });
  return {
    Balancer: elb('LoadBalancer', { Type: 'application' }),
    Redirecting: elb('Listener', {
      LoadBalancerArn: { Ref: 'Balancer' },
      Port: 80,
      Protocol: 'HTTP',
      DefaultActions: [{ Type: 'redirect', RedirectConfig: { Protocol: 'HTTPS', StatusCode: 'HTTP_301' } }],
    }),
    Https: elb('Listener', {
      LoadBalancerArn: { Ref: 'Balancer' },
      Port: 443,
      Protocol: 'HTTPS',
      DefaultActions: [
        {
          Type: 'fixed-response',
          FixedResponseConfig: { StatusCode: '404', ContentType: 'application/json', MessageBody: '{"message":"no"}' },
        },
      ],
    }),
    One: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'iris' } } },
    Live: {
      Type: 'AWS::Lambda::Alias',
      Properties: {
        Name: 'live',
        FunctionName: { Ref: 'iris' },
        FunctionVersion: { 'Fn::GetAtt': ['One', 'Version'] },
      },
    },
    ToIris: group({ Ref: 'Live' }),
    ToSingle: group({ 'Fn::GetAtt': ['single', 'Arn'] }, false),
    ToBroken: group({ 'Fn::GetAtt': ['broken', 'Arn'] }),
    ToFull: group({ 'Fn::GetAtt': ['full', 'Arn'] }),
    ToNamed: group({ 'Fn::GetAtt': ['named', 'Arn'] }),
    ToElsewhere: group('arn:aws:lambda:us-east-1:000000000000:function:elsewhere'),
    Iris: rule(30, forward('ToIris'), paths('/iris', '/iris/*')),
    Single: rule(40, forward('ToSingle'), paths('/single/*')),
    Broken: rule(50, forward('ToBroken'), paths('/broken')),
    Full: rule(60, forward('ToFull'), paths('/full')),
    Named: rule(65, forward('ToNamed'), paths('/sum', '/sum/*')),
    Elsewhere: rule(10, forward('ToElsewhere'), paths('/iris/elsewhere')),
    Posts: rule(20, forward('ToSingle'), paths('/iris/only'), {
      Field: 'http-request-method',
      HttpRequestMethodConfig: { Values: ['POST'] },
    }),
    Weighted: rule(
      70,
      [
        {
          Type: 'forward',
          ForwardConfig: {
            TargetGroups: [{ TargetGroupArn: { Ref: 'ToIris' } }, { TargetGroupArn: { Ref: 'ToSingle' } }],
          },
        },
      ],
      paths('/both'),
    ),
    Rewriting: { ...rule(80, forward('ToIris'), paths('/old')) },
    ByAddress: rule(90, forward('ToIris'), { Field: 'source-ip', SourceIpConfig: { Values: ['10.0.0.0/8'] } }),
    Containers: elb('LoadBalancer', {}),
  };
}

describe('load balancers of the local cloud', () => {
  let app: TestApp;
  let cloud: LocalCloud;
  const said: string[] = [];
  beforeAll(async () => {
    app = testApp({
      iris: tells('iris'),
      single: tells('single'),
      broken: 'export const handler = async () => { throw new Error("a secret"); };',
    });
    app.write('full', tells('full'), { ReservedConcurrentExecutions: 0 });
    // As InferenceLoadBalancer has it.
    app.write('named', await named(), { Environment: { Variables: { GLOWPLUG_NAMED_ROUTES: '1' } } });
    const made = resources();
    Object.assign(Object(made['Rewriting']).Properties, { Transforms: [{ Type: 'url-rewrite' }] });
    app.resources(made);
    cloud = await startLocalCloud({ root: app.root, onProgress: (line) => said.push(line) });
  }, 30_000);
  afterAll(async () => {
    await cloud?.[Symbol.asyncDispose]();
    app?.[Symbol.dispose]();
  });
  const ask = (path: string, init?: RequestInit) => fetch(`${cloud.loadBalancers[0]?.url}${path}`, init);
  const told = async (path: string, init?: RequestInit) => Object(await (await ask(path, init)).json());
  const post = (body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}) => ({
    method: 'POST',
    body,
    headers,
  });
  const answers = async (path: string, answer: object) => {
    const response = await ask(path, post(JSON.stringify(answer), { 'content-type': 'application/json' }));
    return { status: response.status, headers: response.headers, body: await response.text() };
  };

  behaviour(
    'A load balancer’s event has the path and query as they came, undecoded, and with multi-value headers both as lists',
    'Elastic Load Balancing: Use Lambda functions as targets of an Application Load Balancer',
    async () => {
      const { name, version, event } = await told('/iris/a%20b?q=%C3%A4&q=2&flag', { headers: { 'x-user': 'ada' } });
      expect([name, version]).toEqual(['iris', '1']);
      expect(event).toMatchObject({
        requestContext: { elb: { targetGroupArn: expect.stringMatching(/:targetgroup\/.*ToIris/) } },
        httpMethod: 'GET',
        path: '/iris/a%20b',
        multiValueQueryStringParameters: { q: ['%C3%A4', '2'], flag: [''] },
        multiValueHeaders: {
          'x-user': ['ada'],
          'x-forwarded-proto': ['https'],
          'x-forwarded-port': ['443'],
          'x-amzn-trace-id': [expect.stringMatching(/^Root=1-/)],
        },
        body: '',
        isBase64Encoded: false,
      });
      expect(Object.keys(event)).not.toContain('headers');
      expect(isAlbEvent(event) && toRequest(withoutName(event)).url).toMatch(/\/a%20b\?q=%C3%A4&q=2&flag=$/);
    },
  );

  behaviour(
    'A load balancer adds the client’s address to the X-Forwarded-For that came; a parameter may have any name',
    'Elastic Load Balancing: HTTP headers and Application Load Balancers',
    async () => {
      const { event } = await told('/iris?constructor=1&toString=2&toString=3', {
        headers: { 'x-forwarded-for': '203.0.113.7' },
      });
      expect(event.multiValueQueryStringParameters).toEqual({ constructor: ['1'], toString: ['2', '3'] });
      expect(event.multiValueHeaders['x-forwarded-for']).toEqual(['203.0.113.7, 127.0.0.1']);
    },
  );

  behaviour(
    'Without multi-value headers the last value of a header and of a parameter is all there is',
    'Elastic Load Balancing: Use Lambda functions as targets of an Application Load Balancer',
    async () => {
      const { event } = await told('/single/x?q=1&q=2');
      expect(event).toMatchObject({ queryStringParameters: { q: '2' }, headers: { 'x-forwarded-proto': 'https' } });
      expect(Object.keys(event)).not.toContain('multiValueHeaders');
      const both = { statusCode: 201, headers: { 'x-one': '1' }, multiValueHeaders: { 'x-one': ['2', '3'] } };
      expect((await answers('/single/answer', both)).headers.get('x-one')).toBe('1');
      expect((await answers('/iris/answer', both)).headers.get('x-one')).toBe('2, 3');
    },
  );

  behaviour(
    'A load balancer sends text, JSON, JavaScript and XML as they are; other types, none and compressed bodies as base64',
    'Elastic Load Balancing: Use Lambda functions as targets of an Application Load Balancer',
    async () => {
      const body = async (content: Buffer<ArrayBuffer>, headers: Record<string, string>) => {
        const { event } = await told('/iris', post(content, headers));
        return event.isBase64Encoded ? Buffer.from(event.body, 'base64') : event.body;
      };
      const text = Buffer.from('{"ä":1}');
      for (const type of ['application/json', 'text/csv; charset=utf-8', 'application/javascript', 'application/xml']) {
        expect(await body(text, { 'content-type': type })).toBe('{"ä":1}');
      }
      for (const type of ['application/octet-stream', 'application/vnd.api+json', 'image/png']) {
        expect(await body(text, { 'content-type': type })).toEqual(text);
      }
      const packed = gzipSync(text);
      expect(await body(packed, { 'content-type': 'application/json', 'content-encoding': 'gzip' })).toEqual(packed);
    },
  );

  behaviour(
    'A load balancer carries 1 MB: a larger body is 413, a larger answer 502',
    'Elastic Load Balancing: Use Lambda functions as targets of an Application Load Balancer',
    async () => {
      const refused = await ask('/iris', post('x'.repeat(2 ** 20 + 1), { 'content-type': 'text/plain' }));
      expect([refused.status, refused.headers.get('content-type')]).toEqual([413, 'text/html']);
      expect((await ask('/iris', post('x'.repeat(2 ** 18), { 'content-type': 'text/plain' }))).status).toBe(200);
      expect((await answers('/iris/answer', { bytes: 2 ** 20 })).status).toBe(502);
      expect((await answers('/iris/answer', { bytes: 2 ** 20 - 100 })).status).toBe(200);
    },
  );

  behaviour(
    'A load balancer answers 502 for a function that fails, is throttled, or answers something else than a status, headers and a body',
    'Elastic Load Balancing: Troubleshoot your Application Load Balancers',
    async () => {
      for (const path of ['/broken', '/full']) {
        const answer = await ask(path);
        expect([answer.status, await answer.text()]).toEqual([502, expect.not.stringContaining('secret')]);
      }
      for (const answer of [
        {},
        { statusCode: 'ok' },
        { statusCode: 99 },
        { statusCode: 200, body: {} },
        { statusCode: 200, multiValueHeaders: { 'x-bad': ['a\nb'] } },
      ]) {
        expect((await answers('/iris/answer', answer)).status).toBe(502);
      }
      const bytes = { statusCode: 200, body: 'AP8=', isBase64Encoded: true };
      const answer = await ask('/iris/answer', post(JSON.stringify(bytes), { 'content-type': 'application/json' }));
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from([0, 255]));
    },
  );

  behaviour(
    'The rule of the lowest priority that a request meets decides, by path, method and host; the default action is the last',
    'Elastic Load Balancing: Listener rules for your Application Load Balancer',
    async () => {
      expect((await told('/iris/only', post('x'))).name).toBe('single');
      expect((await told('/iris/only')).name).toBe('iris');
      for (const path of ['/', '/irises', '/Iris', '/single']) {
        const answer = await ask(path);
        expect([answer.status, await answer.json()]).toEqual([404, { message: 'no' }]);
      }
      expect((await fetch(`${cloud.endpoint}/_alb/None/iris`)).status).toBe(404);
    },
  );

  it('ask a function of ours at its own paths, below its name', async () => {
    const ready = await ask('/sum/v2/health/ready');
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true }]);
    expect(await told('/sum', post('{"a":1,"b":2}'))).toEqual({ sum: 3, path: '/' });
    expect((await ask('/sum/v2/health/ready', { method: 'HEAD' })).status).toBe(200);
  });

  it('answer 503 where a rule leads elsewhere, and say what they leave out', async () => {
    for (const path of ['/iris/elsewhere', '/both', '/old']) expect((await ask(path)).status).toBe(503);
    expect(cloud.loadBalancers).toEqual([{ id: 'Balancer', url: `${cloud.endpoint}/_alb/Balancer` }]);
    expect(said).toContain(`the load balancer Balancer answers at ${cloud.endpoint}/_alb/Balancer`);
    const left = said.flatMap((line) => /^leaving out (.*)/.exec(line)?.[1] ?? []);
    expect(left).toEqual([
      'Elsewhere: it leads to no function that runs here',
      'Weighted: it has several target groups, and only one is known here',
      'Rewriting: it rewrites requests, which is not known here',
      'ByAddress: its condition source-ip is not known here',
      'Containers: none of its rules leads to a function that runs here',
    ]);
  });
});

async function named(): Promise<string> {
  const contents = `
    import { inference } from './index.ts';
    export const handler = inference({
      input: { kind: 'custom', decode: async (request) => ({ ...(await request.json()), path: new URL(request.url).pathname }) },
      predict: ({ a, b, path }) => ({ sum: a + b, path }),
    });`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(root, 'src') },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    external: ['onnxruntime-node', 'sharp'],
  });
  return outputFiles[0]?.text ?? '';
}

it('a rule’s pattern takes any characters for * and one for ?, and nothing else of a regular expression', () => {
  const rule = (priority: number, ...values: string[]): AlbRule => ({
    priority,
    conditions: [{ of: 'path', values }],
    action: { kind: 'fixed', status: priority, contentType: '', body: '' },
  });
  const rules = [rule(3, '/a*'), rule(2, '/a/?.x', '/b+'), rule(1, '/a/[c]')];
  const met = (path: string) => matchRule(rules, { path, method: 'GET', host: '' })?.priority;
  expect(['/a', '/a/b.x', '/a/bb.x', '/a/bxx', '/b+', '/bb', '/a/[c]', '/a/c'].map(met)).toEqual([
    3,
    2,
    3,
    3,
    2,
    undefined,
    1,
    3,
  ]);
  const host: AlbRule = { ...rule(1), conditions: [{ of: 'host', values: ['*.Example.com'] }] };
  expect(matchRule([host], { path: '/', method: 'GET', host: 'api.example.COM' })).toBe(host);
});
