// An HTTP API that asks for a key, in the local cloud: the authorizer that InferenceApi deploys, over a secret of the template.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleOp } from '../../src/build/bundle-op.ts';
import { readContract } from '../../src/core/contract.ts';
import { awsApi } from '../../src/ops/aws-api.ts';
import { type LocalCloud, startLocalCloud } from '../../src/testing/index.ts';
import { type TestApp, testApp } from './app.ts';
import { behaviour } from './behaviour.ts';

const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });

/** As CDK writes them. */
function resources(): Record<string, unknown> {
  const authorizer = (of: string, more: object = {}) => ({
    Type: 'AWS::ApiGatewayV2::Authorizer',
    Properties: {
      ApiId: { Ref: 'Api' },
      AuthorizerType: 'REQUEST',
      AuthorizerPayloadFormatVersion: '2.0',
      EnableSimpleResponses: true,
      AuthorizerResultTtlInSeconds: 240,
      IdentitySource: ['$request.header.x-api-key'],
      AuthorizerUri: {
        'Fn::Join': ['', ['arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/', arn(of), '/invocations']],
      },
      ...more,
    },
  });
  const authorizers = {
    ByKey: authorizer('keys'),
    Lost: authorizer('lost'),
    Odd: authorizer('odd'),
    ByPolicy: authorizer('keys', { EnableSimpleResponses: false }),
    ByQuery: authorizer('keys', { IdentitySource: ['$request.querystring.key'] }),
  };
  const route = (AuthorizerId: string) => ({
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      ApiId: { Ref: 'Api' },
      RouteKey: `GET /${AuthorizerId}`,
      AuthorizationType: 'CUSTOM',
      AuthorizerId: { Ref: AuthorizerId },
      Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'ToIris' }]] },
    },
  });
  return {
    Keys: {
      Type: 'AWS::SecretsManager::Secret',
      Properties: { GenerateSecretString: { ExcludePunctuation: true, PasswordLength: 40 } },
    },
    Login: {
      Type: 'AWS::SecretsManager::Secret',
      Properties: { GenerateSecretString: { SecretStringTemplate: '{"user":"ada"}', GenerateStringKey: 'password' } },
    },
    Given: { Type: 'AWS::SecretsManager::Secret', Properties: { SecretString: 'given' } },
    Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP' } },
    Stage: { Type: 'AWS::ApiGatewayV2::Stage', Properties: { ApiId: { Ref: 'Api' }, StageName: '$default' } },
    ToIris: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId: { Ref: 'Api' },
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: arn('iris'),
        PayloadFormatVersion: '2.0',
      },
    },
    ...authorizers,
    ...Object.fromEntries(Object.keys(authorizers).map((id) => [`Route${id}`, route(id)])),
  };
}

describe('an HTTP API with keys', () => {
  let app: TestApp;
  let cloud: LocalCloud;
  const said: string[] = [];
  beforeAll(async () => {
    app = testApp({
      iris: 'export const handler = async (event) => event;',
      odd: 'export const handler = async ({ headers }) => ({ isAuthorized: headers["x-api-key"] });',
    });
    const index = JSON.stringify(`${bundleOp('api-keys').path}/index.js`);
    const op = `import { createRequire } from 'node:module'; export const { handler } = createRequire(import.meta.url)(${index});`;
    const of = (secret: unknown) => ({ Environment: { Variables: { GLOWPLUG_API_KEYS_SECRET: secret } }, url: '' });
    app.write('keys', op, of({ Ref: 'Keys' }));
    app.write('lost', op, of('arn:aws:secretsmanager:us-east-1:000000000000:secret:gone-000000'));
    app.resources(resources());
    cloud = await startLocalCloud({ root: app.root, onProgress: (line) => said.push(line) });
  }, 30_000);
  afterAll(async () => {
    await cloud?.[Symbol.asyncDispose]();
    app?.[Symbol.dispose]();
  });
  const get = async (path: string, key?: string) => {
    const answer = await fetch(
      `${cloud.httpApis[0]?.url}${path}`,
      key === undefined ? {} : { headers: { 'x-api-key': key } },
    );
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
  const secret = (id: string) => cloud.secrets.find((each) => each.id === id)?.value ?? '';
  const asked = () => cloud.function('keys').logs().match(/^END /gm)?.length ?? 0;

  behaviour(
    'An HTTP API with a Lambda authorizer answers 401 without an identity and asks nobody, 403 where it says no, and 500 where it fails',
    'Amazon API Gateway Developer Guide: Control access to HTTP APIs with AWS Lambda authorizers',
    async () => {
      expect(await get('/ByKey')).toEqual({ status: 401, body: { message: 'Unauthorized' } });
      expect(await get('/ByKey', '')).toMatchObject({ status: 401 });
      expect(asked()).toBe(0);
      expect(await get('/ByKey', 'invented')).toEqual({ status: 403, body: { message: 'Forbidden' } });
      // Its secret is gone: nobody comes in by that.
      expect(await get('/Lost', secret('Keys'))).toEqual({ status: 500, body: { message: 'Internal Server Error' } });
      expect(await get('/Odd', 'true')).toMatchObject({ status: 500 });
    },
  );

  behaviour(
    'What an HTTP API’s authorizer said is remembered for its time by the identity; its context is the function’s to read',
    'Amazon API Gateway Developer Guide: Control access to HTTP APIs with AWS Lambda authorizers',
    async () => {
      const before = asked();
      for (let at = 0; at < 3; at++) {
        const { status, body } = await get('/ByKey', secret('Keys'));
        expect([status, body.requestContext.authorizer]).toEqual([
          200,
          { lambda: { keyId: expect.stringMatching(/^[0-9a-f]{12}$/) } },
        ]);
        expect((await get('/ByKey', 'wrong')).status).toBe(403);
      }
      expect(asked() - before).toBe(2);
      using _later = cloud.faults.moveClock(240_000);
      expect((await get('/ByKey', secret('Keys'))).status).toBe(200);
      expect(asked() - before).toBe(3);
      for (const name of ['keys', 'lost']) expect(cloud.function(name).logs()).not.toContain(secret('Keys'));
    },
  );

  it('exchanges a key for another while both are valid, then refuses the old one', async () => {
    const { credentials, region, endpoint } = cloud;
    const contract = readContract({
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_REGION: region,
    });
    const arn = `arn:aws:secretsmanager:us-east-1:000000000000:secret:a-Keys-local0`;
    const put = (SecretString: string) =>
      awsApi(contract, { endpoint })({
        service: 'secretsmanager',
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'secretsmanager.PutSecretValue' },
        body: { SecretId: arn, SecretString },
      });
    const old = secret('Keys');
    await put(`${old},new-key`);
    await cloud.function('keys').kill();
    expect([(await get('/ByKey', old)).status, (await get('/ByKey', 'new-key')).status]).toEqual([200, 200]);
    await put('new-key');
    await cloud.function('keys').kill();
    // API Gateway remembers it.
    expect((await get('/ByKey', old)).status).toBe(200);
    using _later = cloud.faults.moveClock(600_000);
    expect([(await get('/ByKey', old)).status, (await get('/ByKey', 'new-key')).status]).toEqual([403, 200]);
  });

  it('has the template’s secrets: those that are made say so, and no request without a signature reads one', async () => {
    expect(secret('Keys')).not.toBe('');
    expect(JSON.parse(secret('Login'))).toEqual({ user: 'ada', password: expect.stringMatching(/^[a-zA-Z0-9]{32}$/) });
    expect(secret('Given')).toBe('given');
    const made = said.filter((line) => line.includes('was made for this cloud'));
    expect(made).toEqual([
      expect.stringMatching(/^the secret Keys was made for this cloud: [a-zA-Z0-9]{40}$/),
      expect.stringContaining('Login'),
    ]);
    const headers = { 'x-amz-target': 'secretsmanager.GetSecretValue' };
    const unsigned = await fetch(cloud.endpoint, { method: 'POST', headers, body: '{"SecretId":"a-Keys"}' });
    expect([unsigned.status, await unsigned.json()]).toMatchObject([400, { __type: 'AccessDeniedException' }]);
  });

  it('leaves out routes whose authorizer is of another kind, by name', () => {
    expect(said).toContain(
      'leaving out RouteByPolicy: its authorizer gives no simple responses of format 2.0, which alone are known here',
    );
    expect(said).toContain('leaving out RouteByQuery: its authorizer knows who asks by something else than headers');
  });
});
