// The waker against an ECS and a load balancer of the test's own: nobody is sent where nothing runs, nobody waits for nothing.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QueueTime } from '../../src/observe/queue-time.ts';
import { awsApi } from '../../src/ops/aws-api.ts';
import { ecsEndpoint, nothing } from '../../src/ops/waker/ecs-endpoint.ts';
import { answerWaker } from '../../src/ops/waker/handler.ts';
import { runs } from '../runs.ts';

const request = { httpMethod: 'POST', path: '/', headers: {} };
/** As EventBridge hands it over: a task began or ended, or five minutes went by. */
const taskChanged = {
  rules: [{ arn: 'arn:large', header: 'content-length', values: ['7?????', '???????*'] }, { arn: 'arn:rule' }],
};

describe('the waker', () => {
  it('starts one target at the first request, tells when to come back, and starts no second', async () => {
    await using cloud = await fakeCloud();
    const answers = [await cloud.wake(request), await cloud.wake(request)];
    expect(cloud.state).toMatchObject({ desired: 1, running: 0, started: 1, pattern: '/*' });
    for (const answer of answers) {
      expect(answer).toMatchObject({ statusCode: 503, headers: { 'retry-after': '30' } });
      expect(JSON.parse(answer?.body ?? '')).toMatchObject({ code: 'SERVER_BUSY' });
    }
  });

  it('sends requests to the targets when one runs, and takes them back when none does', async () => {
    await using cloud = await fakeCloud();
    await cloud.wake(request);
    cloud.state.running = 1;
    expect(await cloud.wake(taskChanged)).toBeUndefined();
    expect(cloud.state.pattern).toBe(nothing);
    Object.assign(cloud.state, { running: 0, desired: 0 });
    await cloud.wake(taskChanged);
    expect(cloud.state.pattern).toBe('/*');
    // An event does not wake: only somebody who asks does.
    expect(cloud.state.started).toBe(1);
  });

  it('moves the rule for large bodies with it, which stays one for large bodies', async () => {
    await using cloud = await fakeCloud();
    const conditions = (path: string) => ({
      'Conditions.member.1.Field': 'path-pattern',
      'Conditions.member.1.PathPatternConfig.Values.member.1': path,
      'Conditions.member.2.Field': 'http-header',
      'Conditions.member.2.HttpHeaderConfig.HttpHeaderName': 'content-length',
      'Conditions.member.2.HttpHeaderConfig.Values.member.1': '7?????',
      'Conditions.member.2.HttpHeaderConfig.Values.member.2': '???????*',
    });
    cloud.state.running = 1;
    await cloud.wake(taskChanged);
    expect(cloud.state.large).toEqual(conditions(nothing));
    cloud.state.running = 0;
    await cloud.wake(taskChanged);
    expect(cloud.state.large).toEqual(conditions('/*'));
  });

  it('says to come back at once where a target runs already, and mends a route that an event was lost for', async () => {
    await using cloud = await fakeCloud();
    Object.assign(cloud.state, { running: 2, desired: 2 });
    expect(await cloud.wake(request)).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } });
    await cloud.wake(taskChanged);
    expect(cloud.state).toMatchObject({ pattern: nothing, desired: 2, started: 0 });
  });

  it('never leaves a request unanswered or a route wrong after an event, in any order of what happens', async () => {
    await using cloud = await fakeCloud();
    const acts = fc.array(fc.constantFrom('request', 'runs', 'ends', 'sleeps'), { minLength: 1, maxLength: 12 });
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(acts, async (script) => {
        Object.assign(cloud.state, { desired: 0, running: 0, started: 0, pattern: '/*' });
        for (const act of script) {
          if (act === 'request' && cloud.state.pattern === '/*') {
            asked++;
            expect((await cloud.wake(request))?.statusCode).toBe(503);
            expect(cloud.state.desired).toBeGreaterThan(0);
          }
          if (act === 'runs' && cloud.state.desired > 0) cloud.state.running = cloud.state.desired;
          if (act === 'ends') cloud.state.running = 0;
          if (act === 'sleeps') Object.assign(cloud.state, { desired: 0, running: 0 });
          if (act !== 'request') {
            await cloud.wake(taskChanged);
            expect(cloud.state.pattern).toBe(cloud.state.running > 0 ? nothing : '/*');
          }
        }
      }),
      { numRuns: runs(60) },
    );
    console.info(`waker: ${runs(60)} stories, ${asked} requests while nobody served, each answered`);
  });
});

it('the queue time is a line that CloudWatch reads: the mean since the last, and 0 where nothing ran', () => {
  const queueTime = new QueueTime('ocr');
  queueTime.ran(10);
  queueTime.ran(30);
  expect(JSON.parse(queueTime.line(1_700_000_000_000))).toEqual({
    _aws: {
      Timestamp: 1_700_000_000_000,
      CloudWatchMetrics: [
        {
          Namespace: 'glowplug',
          Dimensions: [['Endpoint']],
          Metrics: [{ Name: 'QueueMilliseconds', Unit: 'Milliseconds' }],
        },
      ],
    },
    Endpoint: 'ocr',
    QueueMilliseconds: 20,
  });
  expect(JSON.parse(queueTime.line(1)).QueueMilliseconds).toBe(0);
});

/** Speaks as much of the two APIs as the waker does, over HTTP. */
async function fakeCloud() {
  const state = { desired: 0, running: 0, started: 0, pattern: '/*', large: {} };
  const server = createServer((incoming, response) => void answer(incoming, response));
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    let body = '';
    for await (const part of incoming) body += part;
    const action =
      String(incoming.headers['x-amz-target'] ?? '').split('.')[1] ?? new URLSearchParams(body).get('Action');
    if (action === 'DescribeServices') {
      const { desired, running } = state;
      return response.end(JSON.stringify({ services: [{ desiredCount: desired, runningCount: running }] }));
    }
    if (action === 'UpdateService') {
      state.desired = JSON.parse(body).desiredCount;
      state.started++;
      return response.end('{}');
    }
    const { RuleArn, Action: _, Version: _version, ...conditions } = Object.fromEntries(new URLSearchParams(body));
    const pattern = conditions['Conditions.member.1.PathPatternConfig.Values.member.1'] ?? '';
    if (RuleArn === 'arn:rule') state.pattern = pattern;
    else state.large = conditions;
    return response.end('<ModifyRuleResponse/>');
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'AKIA', secretAccessKey: 'secret' };
  const api = awsApi({ credentials, region: 'eu-west-1' }, { endpoint: `http://127.0.0.1:${port}` });
  const endpoint = ecsEndpoint(api, { cluster: 'c', service: 's' });
  return {
    state,
    wake: (event: unknown) => answerWaker(event, endpoint),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
