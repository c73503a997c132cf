// The Runtime API as a runtime meets it over HTTP: what AWS's own client does not show.
import { describe, expect, it } from 'vitest';
import { Mailbox } from '../../../src/testing/runtime/mailbox.ts';
import { RuntimeApi, responseLimit } from '../../../src/testing/runtime/runtime-api.ts';
import { behaviour } from '../behaviour.ts';

const event = {
  requestId: '8476a536-e9f4-11e8-9739-2dfe598c3fcd',
  payload: Buffer.from('{"a":1}'),
  deadline: 1_542_409_706_888,
  functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:fn',
  traceId: 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1',
  clientContext: undefined,
};

describe('the Runtime API', () => {
  behaviour(
    'The Runtime API answers the next invocation with its payload and the headers that AWS documents',
    'AWS Lambda Developer Guide: Using the Lambda runtime API for custom runtimes',
    async () => {
      await using api = await open();
      const response = await api.next();
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'lambda-runtime-aws-request-id': event.requestId,
        'lambda-runtime-deadline-ms': '1542409706888',
        'lambda-runtime-invoked-function-arn': event.functionArn,
        'lambda-runtime-trace-id': event.traceId,
      });
      expect(await response.json()).toEqual({ a: 1 });
      expect((await api.post(`invocation/${event.requestId}/response`, '"done"')).status).toBe(202);
      expect(await api.heard()).toEqual(['response', event.requestId, '"done"']);
    },
  );

  behaviour(
    'The Runtime API takes one response for an invocation, and none for another: 400 InvalidRequestID',
    'AWS Lambda Developer Guide: Using the Lambda runtime API for custom runtimes',
    async () => {
      await using api = await open();
      await (await api.next()).text();
      const wrong = await api.post('invocation/another/response', '1');
      expect([wrong.status, await wrong.json()]).toEqual([
        400,
        { errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' },
      ]);
      expect((await api.post(`invocation/${event.requestId}/error`, '{}')).status).toBe(202);
      expect((await api.post(`invocation/${event.requestId}/response`, '1')).status).toBe(400);
      expect(await api.heard()).toEqual(['error', event.requestId, '{}']);
    },
  );

  behaviour(
    'The Runtime API refuses a response that is too large with 413',
    'AWS Lambda Developer Guide: Using the Lambda runtime API for custom runtimes',
    async () => {
      await using api = await open();
      await (await api.next()).text();
      const response = await api.post(`invocation/${event.requestId}/response`, 'x'.repeat(responseLimit + 1));
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ errorType: 'RequestEntityTooLarge' });
      expect(await api.heard()).toEqual(['too-large', event.requestId]);
    },
  );

  it.each([
    ['GET', '/2018-06-01/runtime/other'],
    ['POST', '/2018-06-01/runtime/invocation/next'],
    ['GET', '/'],
  ])('answers 404 to %s %s', async (method, path) => {
    await using api = await open();
    expect((await fetch(`http://${api.address}${path}`, { method })).status).toBe(404);
  });
});

async function open() {
  const heard = new Mailbox<unknown[]>();
  const asked = new Mailbox<true>();
  const text = (payload: Uint8Array) => Buffer.from(payload).toString();
  const api = await RuntimeApi.open({
    onNext: () => asked.put(true),
    onResponse: (id, payload) => heard.put(['response', id, text(payload)]),
    onStream: (id, stream) => heard.put(['stream', id, stream]),
    onError: (id, payload) => heard.put(['error', id, text(payload)]),
    onTooLarge: (id) => heard.put(['too-large', id]),
    onInitError: (payload) => heard.put(['init-error', text(payload)]),
  });
  const url = `http://${api.address}/2018-06-01/runtime/`;
  return {
    address: api.address,
    heard: () => heard.take(),
    post: (path: string, body: string) => fetch(url + path, { method: 'POST', body }),
    /** Asks as a runtime does, and is handed the event. */
    async next() {
      const response = fetch(`${url}invocation/next`);
      await asked.take();
      api.deliver(event);
      return response;
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}
