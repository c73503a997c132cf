// The Invoke API with functions that are faked, called by the real SDK.
import { createServer } from 'node:http';
import { InvokeCommand, type InvokeCommandInput, LambdaClient, LambdaServiceException } from '@aws-sdk/client-lambda';
import { AwsClient } from 'aws4fetch';
import { describe, expect, it } from 'vitest';
import type { Invocation, Outcome } from '../../src/testing/invocation.ts';
import { lambdaApiListener } from '../../src/testing/lambda-api.ts';
import { listen } from '../../src/testing/listen.ts';
import { behaviour } from './behaviour.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-secret' };
const region = 'eu-west-1';
const echo = (logTail = ''): ((invocation: Invocation) => Promise<Outcome>) => {
  return async ({ payload }) => ({ kind: 'response', requestId: 'the-request', payload, logTail });
};

/** The API with one function, `echo`, and the real client. */
async function open(invoke = echo()) {
  const invocations: Invocation[] = [];
  const take = (invocation: Invocation) => {
    invocations.push(invocation);
    return invoke(invocation);
  };
  const accept = (invocation: Invocation) => {
    void take(invocation);
    return 'the-event';
  };
  const fake = { version: '$LATEST', invoke: take, stream: take, accept };
  const listener = lambdaApiListener({
    find: (name, version) => (name === 'echo' && version === '$LATEST' ? fake : undefined),
    secretFor: (id) => (id === credentials.accessKeyId ? credentials.secretAccessKey : undefined),
    region,
    account: '123456789012',
    now: () => new Date(),
  });
  const bound = await listen(createServer(listener), 0);
  const client = new LambdaClient({ endpoint: bound.url, region, credentials, maxAttempts: 1 });
  return {
    ...bound,
    invocations,
    send: (input: Partial<InvokeCommandInput> = {}) =>
      client.send(new InvokeCommand({ FunctionName: 'echo', ...input })),
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await bound[Symbol.asyncDispose]();
    },
  };
}

/** `404 ResourceNotFoundException: …`, as the SDK reads it. */
async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof LambdaServiceException) {
      const reason = 'Reason' in error ? ` (${error.Reason})` : '';
      return `${error.$metadata.httpStatusCode} ${error.name}${reason}: ${error.message}`;
    }
    throw error;
  }
  return 'no refusal';
}

describe('lambda behaviour: the Invoke API', () => {
  behaviour(
    'RequestResponse answers 200 with what the function returned and the version that ran',
    'AWS Lambda API Reference: Invoke',
    async () => {
      await using api = await open();
      const answer = await api.send({ Payload: '{"ü":[1,2]}' });
      expect(answer.Payload?.transformToString()).toBe('{"ü":[1,2]}');
      expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
      expect(answer.FunctionError).toBeUndefined();
      expect(answer.$metadata.requestId).toBe('the-request');
    },
  );

  behaviour(
    'A function’s error is a 200 with X-Amz-Function-Error and the error as payload',
    'AWS Lambda API Reference: Invoke',
    async () => {
      const payload = Buffer.from('{"errorType":"Error","errorMessage":"no"}');
      const outcome = { kind: 'error', requestId: 'r', functionError: 'Unhandled', payload, logTail: '' } as const;
      await using api = await open(async () => outcome);
      const answer = await api.send();
      expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
      expect(answer.Payload?.transformToString()).toBe(payload.toString());
    },
  );

  behaviour(
    'LogType Tail returns the end of the log, base64, and None does not',
    'AWS Lambda API Reference: Invoke',
    async () => {
      await using api = await open(echo('START ü\nEND\n'));
      const { LogResult } = await api.send({ LogType: 'Tail' });
      expect(Buffer.from(LogResult ?? '', 'base64').toString()).toBe('START ü\nEND\n');
      expect((await api.send()).LogResult).toBeUndefined();
    },
  );

  behaviour(
    'Event is accepted with 202 and no payload, and the function runs',
    'AWS Lambda Developer Guide: Invoking a Lambda function asynchronously',
    async () => {
      await using api = await open(() => new Promise(() => {}));
      const answer = await api.send({ InvocationType: 'Event', Payload: '{}' });
      expect([answer.StatusCode, answer.Payload ?? 'none', api.invocations.length]).toEqual([202, 'none', 1]);
    },
  );

  behaviour('DryRun answers 204 and runs nothing', 'AWS Lambda API Reference: Invoke', async () => {
    await using api = await open();
    expect((await api.send({ InvocationType: 'DryRun' })).StatusCode).toBe(204);
    expect(api.invocations).toEqual([]);
  });

  behaviour(
    'A function is named by its name, its ARN or a partial ARN, with $LATEST or without',
    'AWS Lambda API Reference: Invoke',
    async () => {
      await using api = await open();
      const arn = 'arn:aws:lambda:eu-west-1:123456789012:function:echo';
      for (const FunctionName of ['echo', arn, `${arn}:$LATEST`, '123456789012:function:echo', 'echo:$LATEST']) {
        expect([FunctionName, (await api.send({ FunctionName })).StatusCode]).toEqual([FunctionName, 200]);
      }
    },
  );

  behaviour(
    'A function or version that is not there is 404 ResourceNotFoundException, and its ARN is named',
    'AWS Lambda API Reference: Invoke',
    async () => {
      await using api = await open();
      const arn = 'arn:aws:lambda:eu-west-1:123456789012:function';
      const absent = `404 ResourceNotFoundException: Function not found: ${arn}`;
      expect(await refusal(api.send({ FunctionName: 'other' }))).toBe(`${absent}:other`);
      expect(await refusal(api.send({ FunctionName: 'echo', Qualifier: 'live' }))).toBe(`${absent}:echo:live`);
      expect(await refusal(api.send({ FunctionName: 'echo:7' }))).toBe(`${absent}:echo:7`);
    },
  );

  behaviour(
    'A throttled invocation is 429 TooManyRequestsException with its reason',
    'AWS Lambda API Reference: Invoke',
    async () => {
      const reason = 'ReservedFunctionConcurrentInvocationLimitExceeded';
      await using api = await open(async () => ({ kind: 'throttled', reason }));
      expect(await refusal(api.send())).toBe(`429 TooManyRequestsException (${reason}): Rate Exceeded.`);
    },
  );

  behaviour(
    'A payload over 6 MB, or over 1 MB for Event, is 413 RequestTooLargeException',
    'AWS Lambda Developer Guide: Lambda quotas',
    async () => {
      await using api = await open();
      const Payload = (bytes: number) => Buffer.from(JSON.stringify('x'.repeat(bytes - 2)));
      expect((await api.send({ Payload: Payload(6 * 2 ** 20) })).StatusCode).toBe(200);
      expect(await refusal(api.send({ Payload: Payload(6 * 2 ** 20 + 1) }))).toMatch(/^413 RequestTooLargeException/);
      const event = { InvocationType: 'Event', Payload: Payload(2 ** 20 + 1) } as const;
      expect(await refusal(api.send(event))).toMatch(/^413 RequestTooLargeException/);
      expect(api.invocations).toHaveLength(1);
    },
  );

  behaviour(
    'A payload that is not JSON is 400 InvalidRequestContentException; an empty one is {}',
    'AWS Lambda API Reference: Invoke',
    async () => {
      await using api = await open();
      const refused = await refusal(api.send({ Payload: '{"a":' }));
      expect(refused).toBe('400 InvalidRequestContentException: Could not parse request body into json');
      expect((await api.send()).Payload?.transformToString()).toBe('{}');
    },
  );

  behaviour(
    'The client context is base64 JSON: the function gets it, and what is not JSON is refused',
    'AWS Lambda API Reference: Invoke',
    async () => {
      await using api = await open();
      const ClientContext = Buffer.from('{"custom":\n{"ü":1}}').toString('base64');
      await api.send({ ClientContext });
      expect(api.invocations[0]?.clientContext).toBe('{"custom":{"\\u00fc":1}}');
      expect(await refusal(api.send({ ClientContext: 'bm90IGpzb24=' }))).toMatch(/^400 InvalidRequestContentException/);
    },
  );

  behaviour(
    'An invocation that is unsigned or signed wrongly is 403 and runs nothing',
    'AWS Lambda API Reference: Common Error Types',
    async () => {
      await using api = await open();
      const path = `${api.url}/2015-03-31/functions/echo/invocations`;
      const unsigned = await fetch(path, { method: 'POST' });
      expect(unsigned.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
      const attempts = [
        [{ secretAccessKey: 'wrong' }, 'InvalidSignatureException'],
        [{ accessKeyId: 'AKIDOTHER' }, 'UnrecognizedClientException'],
        [{ region: 'us-east-1' }, 'InvalidSignatureException'],
      ] as const;
      for (const [change, type] of attempts) {
        const signer = new AwsClient({ ...credentials, region, service: 'lambda', ...change });
        const answer = await fetch(await signer.sign(path, { method: 'POST', body: '{}' }));
        expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([403, type]);
      }
      expect(api.invocations).toEqual([]);
    },
  );

  it('another operation or type of invocation, and a fault of the local cloud, are errors with a name', async () => {
    await using api = await open(() => Promise.reject(new Error('not for clients')));
    const signer = new AwsClient({ ...credentials, region, service: 'lambda' });
    const call = async (path: string, init: RequestInit) => {
      const answer = await fetch(await signer.sign(`${api.url}${path}`, init));
      return `${answer.status} ${answer.headers.get('x-amzn-errortype')} ${answer.headers.has('x-amzn-requestid')}`;
    };
    const path = '/2015-03-31/functions/echo/invocations';
    expect(await call('/2015-03-31/functions', { method: 'GET' })).toBe('404 UnknownOperationException true');
    expect(await call('/2015-03-31/functions/%zz/invocations', { method: 'POST' })).toMatch(/^40[34] /);
    const type = { method: 'POST', headers: { 'x-amz-invocation-type': 'Later' } };
    expect(await call(path, type)).toBe('400 InvalidParameterValueException true');
    expect(await call(path, { method: 'POST' })).toBe('500 ServiceException true');
  });
});
