// HTTP APIs in the local cloud: which function a request reaches, who may send it, and what the function is told of it.
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withoutStage } from '../../src/adapters/api-gateway.ts';
import { isFunctionUrlEvent, toRequest } from '../../src/adapters/function-url.ts';
import { matchRoute } from '../../src/testing/http-api-route.ts';
import { type LocalCloud, startLocalCloud } from '../../src/testing/index.ts';
import { type TestApp, testApp } from './app.ts';
import { behaviour } from './behaviour.ts';

const tells = (name: string) =>
  `export const handler = async (event, { functionVersion }) => ({ name: '${name}', version: functionVersion, event });`;

const routes = {
  'POST /iris': 'iris',
  'GET /iris/{proxy+}': 'iris',
  'GET /iris/v2/models/{model}': 'other',
  'ANY /signed': 'signed',
  'GET /broken': 'broken',
  'GET /full': 'full',
  'GET /token': 'token',
};

/** As CDK writes them. */
function resources(): Record<string, unknown> {
  const integration = (uri: unknown) => ({
    Type: 'AWS::ApiGatewayV2::Integration',
    Properties: {
      ApiId: { Ref: 'Api' },
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: uri,
      PayloadFormatVersion: '2.0',
    },
  });
  const functionOf = (name: string) => (['signed', 'token'].includes(name) ? 'other' : name);
  return {
    Api: {
      Type: 'AWS::ApiGatewayV2::Api',
      Properties: {
        Name: 'api',
        ProtocolType: 'HTTP',
        CorsConfiguration: { AllowOrigins: ['https://app.example'], AllowMethods: ['GET'], MaxAge: 60 },
      },
    },
    Stage: {
      Type: 'AWS::ApiGatewayV2::Stage',
      Properties: { ApiId: { Ref: 'Api' }, StageName: '$default', StageVariables: { glowplugRoutes: 'named' } },
    },
    Slow: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP' } },
    SlowStage: {
      Type: 'AWS::ApiGatewayV2::Stage',
      Properties: {
        ApiId: { Ref: 'Slow' },
        StageName: '$default',
        DefaultRouteSettings: { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2 },
      },
    },
    Outside: {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: { ApiId: { Ref: 'Api' }, RouteKey: 'GET /outside', Target: { 'Fn::ImportValue': 'of-another-app' } },
    },
    Sockets: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'WEBSOCKET' } },
    One: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'iris' } } },
    Live: {
      Type: 'AWS::Lambda::Alias',
      Properties: {
        Name: 'live',
        FunctionName: { Ref: 'iris' },
        FunctionVersion: { 'Fn::GetAtt': ['One', 'Version'] },
      },
    },
    ToIris: integration({ Ref: 'Live' }),
    ...Object.fromEntries(
      ['other', 'broken', 'full'].map((name) => [`To${name}`, integration({ 'Fn::GetAtt': [name, 'Arn'] })]),
    ),
    ...Object.fromEntries(
      Object.entries(routes).map(([RouteKey, name], at) => [
        `Route${at}`,
        {
          Type: 'AWS::ApiGatewayV2::Route',
          Properties: {
            ApiId: { Ref: 'Api' },
            RouteKey,
            AuthorizationType: { signed: 'AWS_IAM', token: 'JWT' }[name] ?? 'NONE',
            Target: {
              'Fn::Join': ['', ['integrations/', { Ref: name === 'iris' ? 'ToIris' : `To${functionOf(name)}` }]],
            },
          },
        },
      ]),
    ),
  };
}

describe('HTTP APIs of the local cloud', () => {
  let app: TestApp;
  let cloud: LocalCloud;
  const said: string[] = [];
  beforeAll(async () => {
    app = testApp({
      iris: tells('iris'),
      other: tells('other'),
      broken: 'export const handler = async () => { throw new Error("a secret"); };',
    });
    app.write('full', tells('full'), { ReservedConcurrentExecutions: 0 });
    app.resources(resources());
    cloud = await startLocalCloud({ root: app.root, onProgress: (line) => said.push(line) });
  }, 30_000);
  afterAll(async () => {
    await cloud?.[Symbol.asyncDispose]();
    app?.[Symbol.dispose]();
  });
  const url = (id = 'Api') => cloud.httpApis.find((each) => each.id === id)?.url ?? '';
  const get = async (path: string, init?: RequestInit) => {
    const answer = await fetch(`${url()}${path}`, init);
    return { status: answer.status, headers: answer.headers, body: JSON.parse((await answer.text()) || 'null') };
  };

  behaviour(
    'An HTTP API’s event is payload format 2.0: its route, path parameters and stage variables, and the path decoded',
    'Amazon API Gateway Developer Guide: Create AWS Lambda proxy integrations for HTTP APIs in API Gateway',
    async () => {
      const { status, body } = await get('/iris/v2/health%2Fready?a=1&a=2', { headers: { cookie: 'x=1' } });
      expect([status, body.name, body.version]).toEqual([200, 'iris', '1']);
      expect(body.event).toMatchObject({
        version: '2.0',
        routeKey: 'GET /iris/{proxy+}',
        rawPath: '/iris/v2/health/ready',
        rawQueryString: 'a=1&a=2',
        queryStringParameters: { a: '1,2' },
        cookies: ['x=1'],
        pathParameters: { proxy: 'v2/health/ready' },
        stageVariables: { glowplugRoutes: 'named' },
        requestContext: {
          accountId: '000000000000',
          apiId: 'Api',
          domainName: 'Api.execute-api.us-east-1.amazonaws.com',
          http: { method: 'GET', path: '/iris/v2/health/ready' },
          routeKey: 'GET /iris/{proxy+}',
          stage: '$default',
        },
      });
      const { event } = body;
      expect(isFunctionUrlEvent(event) && new URL(toRequest(withoutStage(event)).url).pathname).toBe(
        '/v2/health/ready',
      );
    },
  );

  behaviour(
    'A request takes the most specific route of an HTTP API; without one it is 404 Not Found',
    'Amazon API Gateway Developer Guide: Create routes for HTTP APIs in API Gateway',
    async () => {
      expect((await get('/iris/v2/models/m')).body).toMatchObject({
        name: 'other',
        event: { pathParameters: { model: 'm' } },
      });
      expect((await get('/iris', { method: 'POST', body: 'x' })).body).toMatchObject({
        name: 'iris',
        event: { body: 'x' },
      });
      for (const path of ['/', '/iris', '/irises/x', '/iris/']) {
        expect(await get(path)).toMatchObject({ status: 404, body: { message: 'Not Found' } });
      }
      expect((await fetch(`${cloud.endpoint}/_api/None/iris`)).status).toBe(404);
    },
  );

  behaviour(
    'A route of authorization AWS_IAM takes what is signed for execute-api, and is 403 Forbidden for anything else',
    'Amazon API Gateway Developer Guide: Control access to HTTP APIs with IAM authorization in API Gateway',
    async () => {
      const { credentials, region } = cloud;
      const signing = (service: string) => new AwsClient({ ...credentials, region, service, retries: 0 });
      const answer = await signing('execute-api').fetch(`${url()}/signed`, { method: 'PUT', body: 'x' });
      expect(await answer.json()).toMatchObject({
        event: { requestContext: { authorizer: { iam: { accessKey: credentials.accessKeyId } } } },
      });
      expect((await signing('lambda').fetch(`${url()}/signed`)).status).toBe(403);
      expect(await get('/signed')).toMatchObject({ status: 403, body: { message: 'Forbidden' } });
    },
  );

  behaviour(
    'An HTTP API answers 429 over its stage’s rate, 503 for a function that is throttled, and 500 for one that fails',
    'Amazon API Gateway Developer Guide: Throttle requests to your HTTP APIs for better throughput in API Gateway',
    async () => {
      const statuses = [];
      for (let at = 0; at < 3; at++) statuses.push((await fetch(`${url('Slow')}/`)).status);
      expect(statuses).toEqual([404, 404, 429]);
      using _later = cloud.faults.moveClock(1000);
      expect((await fetch(`${url('Slow')}/`)).status).toBe(404);
      expect(await get('/full')).toMatchObject({ status: 503, body: { message: 'Service Unavailable' } });
      expect(await get('/broken')).toMatchObject({ status: 500, body: { message: 'Internal Server Error' } });
    },
  );

  behaviour(
    'An HTTP API with CORS answers preflights itself, and adds its headers for an allowed origin',
    'Amazon API Gateway Developer Guide: Configure CORS for HTTP APIs in API Gateway',
    async () => {
      const origin = 'https://app.example';
      const preflight = await get('/iris', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'GET' },
      });
      expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'GET']);
      const answered = await get('/iris/x', { headers: { origin } });
      expect(answered.headers.get('access-control-allow-origin')).toBe(origin);
    },
  );

  it('say where they answer, and what of them is left out', () => {
    expect(cloud.httpApis.map(({ id }) => id)).toEqual(['Api', 'Slow']);
    expect(said).toContain(`the HTTP API Api answers at ${cloud.endpoint}/_api/Api`);
    expect(said).toContain('leaving out Sockets: its protocol is WEBSOCKET, and only HTTP is known here');
    expect(said).toContain('leaving out Outside: it goes to no function');
    expect(said).toContain('leaving out Route6: its authorizer is of type JWT, which is not known here');
  });
});

it('a route of its own method is taken before ANY, a greedy one before $default', () => {
  const route = (key: string) => ({ key, auth: 'NONE', functionName: 'f', qualifier: '$LATEST' }) as const;
  const routes = ['$default', 'ANY /{proxy+}', 'ANY /a/b', 'GET /a/b', 'GET /a/{proxy+}'].map(route);
  const key = (method: string, path: string) => matchRoute(routes, method, path)?.route.key;
  expect([key('GET', '/a/b'), key('PUT', '/a/b'), key('GET', '/a/c/d'), key('GET', '/b'), key('GET', '/')]).toEqual([
    'GET /a/b',
    'ANY /a/b',
    'GET /a/{proxy+}',
    'ANY /{proxy+}',
    '$default',
  ]);
});
