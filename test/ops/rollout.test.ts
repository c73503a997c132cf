// The small functions that Rollout deploys: what they tell AWS, and what they let through.
import { describe, expect, it } from 'vitest';
import { findTag, readIndex } from '../../src/models/model-index.ts';
import { publish } from '../../src/models/publish.ts';
import { shareOf } from '../../src/models/share.ts';
import { tag } from '../../src/models/tag.ts';
import { type ApiRequest, type AwsApi, awsApi } from '../../src/ops/aws-api.ts';
import { answerHook } from '../../src/ops/golden/handler.ts';
import { answerRollout, type RolloutEvent } from '../../src/ops/rollout/handler.ts';
import { notBegun } from '../../src/release/rollout.ts';
import { startLocalCloud } from '../../src/testing/index.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { testApp } from '../testing/app.ts';
import { memoryStore } from '../versions/memory-store.ts';

const fixed = { from: 'candidate', to: 'prod', steps: [10], functionName: 'rec', aliasName: 'live' };

describe('the step of a rollout', () => {
  it('moves a channel and an alias together, and back together', async () => {
    const { store } = memoryStore();
    for (const [version, channel] of [
      ['1.0.0', 'prod'],
      ['2.0.0', 'candidate'],
    ] as const) {
      await publish(store, tinyVersion(version));
      await tag(store, 'tiny', { from: version, to: channel });
    }
    const { api, requests } = recorder();
    const host = { store: async () => store, api: () => api };
    const execution = { model: 'tiny', alias: { from: '7', to: '8' }, by: 'ci' };
    const at = async (more: Pick<RolloutEvent['execution'], 'state' | 'alarms'>) =>
      await answerRollout({ ...fixed, execution: { ...execution, ...more } }, host);

    const state = await at({ state: notBegun, alarms: { names: [] } });
    expect(state).toEqual({ status: 'shifting', percent: 10 });
    expect(shareOf((await readIndex(store, 'tiny'))!.index, 'candidate')?.percent).toBe(10);
    expect(await at({ state, alarms: { names: ['errors'] } })).toMatchObject({ status: 'went back' });
    const { index } = (await readIndex(store, 'tiny'))!;
    expect(shareOf(index, 'candidate')).toBeUndefined();
    expect(findTag(index.manifests, 'prod')?.digest).toBe(tinyVersion('1.0.0').locked.digest);
    expect(requests.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['PUT', '/2015-03-31/functions/rec/aliases/live', routing('7', { 8: 0.1 })],
      ['PUT', '/2015-03-31/functions/rec/aliases/live', routing('7', {})],
    ]);
  });

  it('refuses to move nothing', async () => {
    const host = { store: async () => memoryStore().store, api: () => recorder().api };
    await expect(answerRollout({ ...fixed, execution: { state: notBegun } }, host)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      remedy: expect.stringContaining('"model"'),
    });
  });
});

describe('the hook before traffic', () => {
  const hook = { DeploymentId: 'd-1', LifecycleEventHookExecutionId: 'e-1' };
  const sample = (value: number) => ({
    name: 'sum',
    contentType: 'application/json',
    base64: Buffer.from('[1,2]').toString('base64'),
    golden: { status: 200, tolerance: 0.01, body: { sum: value } },
  });

  it('lets through what answers the golden samples, and nothing else, as a function of the local cloud answers them', async () => {
    const source = (answer: string) =>
      `export const handler = async ({ body, isBase64Encoded }) => {
        const [a, b] = JSON.parse(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'));
        return ${answer};
      };`;
    const result = (status: number, body: string) =>
      `{ statusCode: ${status}, multiValueHeaders: { 'content-type': ['application/json'] }, body: JSON.stringify(${body}) }`;
    using app = testApp({
      right: source(result(200, '{ sum: a + b }')),
      wrong: source(result(200, '{ sum: a - b }')),
      refusing: source(result(500, '{}')),
      throwing: `export const handler = async () => { throw new Error('no'); };`,
    });
    await using cloud = await startLocalCloud({ root: app.root });
    const told: unknown[] = [];
    const lambda = awsApi(cloud, { endpoint: cloud.endpoint });
    const api: AwsApi = async (request) => {
      if (request.service === 'lambda') return await lambda(request);
      told.push(request.body);
      return { headers: new Headers(), json: undefined };
    };
    for (const target of ['right', 'wrong', 'refusing', 'throwing', 'absent']) {
      await answerHook(hook, { api, samples: [sample(3)], target });
    }
    const status = (value: string) => ({ deploymentId: 'd-1', lifecycleEventHookExecutionId: 'e-1', status: value });
    expect(told).toEqual(['Succeeded', 'Failed', 'Failed', 'Failed', 'Failed'].map(status));
  }, 60_000);
});

it('an answer of AWS that is none says who answered, what, and never a credential', async () => {
  const credentials = { accessKeyId: 'AKIA', secretAccessKey: 'very-secret' };
  const api = awsApi(
    { credentials, region: 'eu-west-1' },
    { fetch: async () => new Response('{"message":"AccessDenied"}', { status: 403 }) },
  );
  const failed = api({ service: 'lambda', method: 'PUT', path: '/x', body: {} });
  await expect(failed).rejects.toThrow(/lambda answered 403 to PUT \/x: .*AccessDenied/);
  await expect(failed).rejects.not.toThrow(/very-secret|AKIA/);
});

function recorder() {
  const requests: ApiRequest[] = [];
  const api: AwsApi = async (request) => {
    requests.push(request);
    return { headers: new Headers(), json: {} };
  };
  return { api, requests };
}

function routing(version: string, weights: object) {
  return { FunctionVersion: version, RoutingConfig: { AdditionalVersionWeights: weights } };
}
