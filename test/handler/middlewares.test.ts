// Middlewares of the shape that Powertools' have go around a function: with Lambda's own event and context, in middy's order.
// test/peers/powertools.test.ts does it with Powertools itself.
import type { Context as LambdaContext } from 'aws-lambda';
import { expect, it } from 'vitest';
import { inference } from '../../src/index.ts';

const context: LambdaContext = {
  callbackWaitsForEmptyEventLoop: true,
  functionName: 'flowers',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:flowers',
  memoryLimitInMB: '1024',
  awsRequestId: '7f1c2a8e-0000-4000-8000-000000000000',
  logGroupName: '/aws/lambda/flowers',
  logStreamName: '2026/11/25/[$LATEST]0',
  getRemainingTimeInMillis: () => 10_000,
  done() {},
  fail() {},
  succeed() {},
};

it('middlewares see Lambda’s event and context before, and its result after: a fault is a URL’s answer, and a direct invocation’s error', async () => {
  const seen: unknown[] = [];
  const spy = (name: string) => ({
    before: ({ event, context: given }: { event: unknown; context: LambdaContext }) =>
      void seen.push([name, 'before', event, given.awsRequestId]),
    after: ({ response }: { response: unknown }) => void seen.push([name, 'after', response]),
    onError: ({ error }: { error: unknown }) => void seen.push([name, 'error', Object(error).name]),
  });
  const handler = inference({
    input: { kind: 'custom', decode: async (request) => await request.json() },
    predict: (length: unknown) => {
      if (typeof length !== 'number') throw new Error('no number');
      return { double: 2 * length };
    },
  });
  expect(handler.use([spy('outer'), spy('inner')])).toBe(handler);

  expect(await handler(21, context)).toEqual({ double: 42 });
  expect(seen.splice(0)).toEqual([
    ['outer', 'before', 21, context.awsRequestId],
    ['inner', 'before', 21, context.awsRequestId],
    ['inner', 'after', { double: 42 }],
    ['outer', 'after', { double: 42 }],
  ]);

  const url = { version: '2.0', rawPath: '/', rawQueryString: '', headers: {}, isBase64Encoded: false };
  const http = { domainName: 'f.lambda-url.test', http: { method: 'POST', path: '/', protocol: 'HTTP/1.1' } };
  expect(await handler({ ...url, body: '4', requestContext: http }, context)).toMatchObject({ statusCode: 200 });
  seen.length = 0;
  expect(await handler({ ...url, body: '{', requestContext: http }, context)).toMatchObject({ statusCode: 500 });
  expect(seen).toContainEqual(['outer', 'after', expect.objectContaining({ statusCode: 500 })]);
  seen.length = 0;
  // A direct invocation has no status: its error is Lambda's.
  await expect(handler('seven', context)).rejects.toMatchObject({ name: 'INTERNAL' });
  expect(seen).toContainEqual(['outer', 'error', 'INTERNAL']);
});
