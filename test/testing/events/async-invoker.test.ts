// Asynchronous invocations over a clock of the test's own, then once in a running cloud with a template's settings.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { AsyncInvoker, type AsyncSettings, defaultAsyncSettings } from '../../../src/testing/events/async-invoker.ts';
import { startLocalCloud } from '../../../src/testing/index.ts';
import type { Invocation, Outcome } from '../../../src/testing/invocation.ts';
import { handClock } from '../../hand-clock.ts';
import { testApp } from '../app.ts';
import { behaviour } from '../behaviour.ts';

const failed = {
  kind: 'error',
  payload: Buffer.from('{"errorType":"Error","errorMessage":"no"}'),
  functionError: 'Unhandled',
};
const throttled = { kind: 'throttled', reason: 'ConcurrentInvocationLimitExceeded' };
const answered = { kind: 'response', payload: Buffer.from('{"sum":3}') };

function invoker(outcomes: readonly object[], settings: Partial<AsyncSettings> = {}) {
  const clock = handClock();
  const delivered: { arn: string; body: unknown; attributes: object | undefined }[] = [];
  const invocations: Invocation[] = [];
  const invoker = new AsyncInvoker({
    clock,
    now: () => new Date(0),
    deliver: async (arn, body, attributes) => void delivered.push({ arn, body: JSON.parse(body), attributes }),
  });
  const settle = async () => {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const target = {
    arn: 'arn:aws:lambda:us-east-1:000000000000:function:sum:live',
    version: '1',
    settings: { ...defaultAsyncSettings, ...settings },
    invoke: async (invocation: Invocation) => {
      invocations.push(invocation);
      return outcomes[Math.min(invocations.length, outcomes.length) - 1] as Outcome;
    },
    note: () => {},
  };
  return {
    delivered,
    invocations,
    accept: () => invoker.accept(target, { payload: Buffer.from('{"a":1}') }),
    /** Seconds at which the next try comes. */
    async triesAt(...seconds: number[]) {
      await settle();
      let now = 0;
      for (const [index, at] of seconds.entries()) {
        clock.pass(1000 * (at - now) - 1);
        await settle();
        expect(invocations).toHaveLength(index + 1);
        clock.pass(1);
        now = at;
        await settle();
        expect(invocations).toHaveLength(index + 2);
      }
      clock.pass(24 * 3_600_000);
      await settle();
      return invocations.length;
    },
    [Symbol.dispose]: () => invoker[Symbol.dispose](),
  };
}

describe('lambda behaviour: asynchronous invocations', () => {
  behaviour(
    'An event whose function fails is tried twice more, after one minute and after two, with the same request id',
    'AWS Lambda Developer Guide: How Lambda handles errors and retries with asynchronous invocation',
    async () => {
      using async = invoker([failed]);
      const requestId = async.accept();
      expect(await async.triesAt(60, 180)).toBe(3);
      expect(async.invocations.map((each) => each.requestId)).toEqual([requestId, requestId, requestId]);
    },
  );

  behaviour(
    'A throttled event waits a second, then twice as long each time up to five minutes, and is not counted as tried',
    'AWS Lambda Developer Guide: How Lambda handles errors and retries with asynchronous invocation',
    async () => {
      using async = invoker([throttled, throttled, throttled, failed, answered]);
      async.accept();
      expect(await async.triesAt(1, 3, 7, 67)).toBe(5);
      using patient = invoker([throttled]);
      patient.accept();
      // 1 + 2 + … + 256 s, then every 300 s within six hours; the rest passes at once.
      await patient.triesAt(1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111);
    },
  );

  behaviour(
    'MaximumRetryAttempts and MaximumEventAgeInSeconds bound the tries',
    'AWS Lambda API Reference: PutFunctionEventInvokeConfig',
    async () => {
      using never = invoker([failed], { retries: 0, onFailure: 'queue' });
      never.accept();
      expect(await never.triesAt()).toBe(1);
      expect(never.delivered[0]?.body).toMatchObject({ requestContext: { condition: 'RetriesExhausted' } });
      using aged = invoker([failed], { maxAgeMs: 90_000, onFailure: 'queue' });
      aged.accept();
      expect(await aged.triesAt(60)).toBe(2);
      expect(aged.delivered[0]?.body).toMatchObject({
        requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 2 },
      });
    },
  );

  behaviour(
    'A destination is told of success or of the last failure: the event, the version or alias invoked, what came of it, and how often it was tried',
    'AWS Lambda Developer Guide: Adding a destination',
    async () => {
      using async = invoker([failed, answered], { onSuccess: 'done', onFailure: 'broken' });
      const requestId = async.accept();
      await async.triesAt(60);
      expect(async.delivered).toEqual([
        {
          arn: 'done',
          attributes: undefined,
          body: {
            version: '1.0',
            timestamp: '1970-01-01T00:00:00.000Z',
            requestContext: {
              requestId,
              functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:sum:live',
              condition: 'Success',
              approximateInvokeCount: 2,
            },
            requestPayload: { a: 1 },
            responseContext: { statusCode: 200, executedVersion: '1' },
            responsePayload: { sum: 3 },
          },
        },
      ]);
      using lost = invoker([failed], { retries: 0, onSuccess: 'done', onFailure: 'broken' });
      lost.accept();
      await lost.triesAt();
      expect(lost.delivered).toMatchObject([
        {
          arn: 'broken',
          body: { responseContext: { functionError: 'Unhandled' }, responsePayload: { errorMessage: 'no' } },
        },
      ]);
    },
  );

  behaviour(
    'A function’s dead-letter queue gets the event that failed as it was, with the error in its attributes',
    'AWS Lambda Developer Guide: Adding a dead-letter queue',
    async () => {
      using async = invoker([failed], { retries: 1, deadLetter: 'dead' });
      const RequestID = async.accept();
      await async.triesAt(60);
      expect(async.delivered).toEqual([
        { arn: 'dead', body: { a: 1 }, attributes: { RequestID, ErrorCode: '200', ErrorMessage: 'no' } },
      ]);
    },
  );

  it('in a running cloud follow the template: retries, destinations that are queues or a function’s alias', async () => {
    const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
    const version = (of: string) => ({ Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: of } } });
    const alias = (of: string, version: string) => ({
      Type: 'AWS::Lambda::Alias',
      Properties: {
        Name: 'live',
        FunctionName: { Ref: of },
        FunctionVersion: { 'Fn::GetAtt': [version, 'Version'] },
      },
    });
    using app = testApp({
      sum: 'export const handler = async ({ a, b }, { awsRequestId }) => { if (b === undefined) throw new Error("no b"); return { sum: a + b, awsRequestId }; };',
      next: 'export const handler = async (event, { functionVersion }) => console.log("NEXT " + event.responsePayload.sum + " by " + functionVersion);',
    });
    app.resources({
      Broken: { Type: 'AWS::SQS::Queue' },
      One: version('next'),
      Live: alias('next', 'One'),
      OneOfSum: version('sum'),
      LiveOfSum: alias('sum', 'OneOfSum'),
      Config: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: {
          FunctionName: { Ref: 'sum' },
          Qualifier: '$LATEST',
          DestinationConfig: { OnSuccess: { Destination: { Ref: 'Live' } } },
        },
      },
      ConfigOfLive: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: {
          FunctionName: { Ref: 'sum' },
          Qualifier: 'live',
          MaximumRetryAttempts: 0,
          DestinationConfig: { OnFailure: { Destination: arn('Broken') } },
        },
      },
    });
    await using cloud = await startLocalCloud({ root: app.root });
    const { endpoint, region, credentials } = cloud;
    const lambda = new LambdaClient({ endpoint, region, credentials });
    const send = async (payload: object, Qualifier?: string) =>
      await lambda.send(
        new InvokeCommand({
          FunctionName: 'sum',
          InvocationType: 'Event',
          Payload: JSON.stringify(payload),
          ...(Qualifier ? { Qualifier } : {}),
        }),
      );
    await send({ a: 1, b: 2 });
    await expect.poll(() => cloud.function('next').logs(), { timeout: 20_000 }).toContain('NEXT 3 by 1');
    const { $metadata } = await send({ a: 1 }, 'live');
    lambda.destroy();
    const sqs = new SQSClient({ endpoint, region, credentials });
    const QueueUrl = cloud.queues[0]?.url;
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    sqs.destroy();
    expect(JSON.parse(Messages?.[0]?.Body ?? '')).toMatchObject({
      requestContext: {
        requestId: $metadata.requestId,
        functionArn: expect.stringMatching(/:function:[\w-]*sum:live$/),
        condition: 'RetriesExhausted',
        approximateInvokeCount: 1,
      },
      responseContext: { executedVersion: '1' },
      requestPayload: { a: 1 },
      responsePayload: { errorMessage: 'no b' },
    });
  });
});
