// A queue's function whose process has a tracer provider: each message is its sender's, and whoever is told of its result goes on
// with the message's trace.
import type { Context as LambdaContext } from 'aws-lambda';
import { expect, it, onTestFinished, vi } from 'vitest';
import { answerEvent } from '../../src/adapters/lambda.ts';
import { defineFunction } from '../../src/handler/define.ts';
import { traceRequest } from '../../src/observe/request-span.ts';
import { fakeHost } from '../handler/fake-host.ts';
import { type Ended, registerTracing } from '../observe/tracing.ts';
import { memoryBucket } from '../results/memory-bucket.ts';

const ofSender = (at: number) => ({ traceId: `${at + 1}`.padStart(32, '0'), spanId: '00f067aa0ba902b7' });
const message = (at: number) => ({
  messageId: `m-${at}`,
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:jobs',
  attributes: { ApproximateReceiveCount: '1' },
  messageAttributes: {
    traceparent: { dataType: 'String', stringValue: `00-${ofSender(at).traceId}-${ofSender(at).spanId}-01` },
    callback: { dataType: 'String', stringValue: `https://hooks.test/${at}` },
  },
  body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [at, at] }] }),
});

it('continues the sender’s trace, to the callback and the result queue', async () => {
  const spans: Ended[] = [];
  const tracing = registerTracing({ ended: (span) => void spans.push(span) });
  onTestFinished(() => tracing[Symbol.dispose]());
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  onTestFinished(() => written.mockRestore());
  const fn = defineFunction({ models: { m: 'm:1.0.0' } }, fakeHost().host, undefined, traceRequest);
  const active = new Map<string, string | undefined>();
  const called = new Map<string, string | null>();
  const queued = new Map<string, Record<string, { StringValue: string }>>();
  const outlet = {
    results: memoryBucket().results,
    region: 'us-east-1',
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    callbacks: ['https://hooks.test'],
    resultQueue: 'https://sqs.test/000000000000/results',
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init);
      const body = Object(await request.json());
      if (request.url.startsWith('https://hooks.test/')) {
        called.set(body.messageId, request.headers.get('traceparent'));
        active.set(body.messageId, tracing.activeSpan()?.spanId);
      } else queued.set(JSON.parse(body.MessageBody).messageId, body.MessageAttributes);
      return new Response();
    },
  };
  // What of Lambda's context is read.
  const lambda = { awsRequestId: 'i-1', getRemainingTimeInMillis: () => 10_000 } as LambdaContext;
  const messages = Array.from({ length: 30 }, (_, at) => message(at));
  const failures = await tracing.below('invocation', () =>
    answerEvent(fn.answer, { Records: messages }, lambda, { outlet: async () => outlet }),
  );
  expect(failures).toEqual({ batchItemFailures: [] });
  const around = spans.find(({ name }) => name === 'invocation');
  for (const [at, { messageId }] of messages.entries()) {
    const own = spans.find(({ attributes }) => attributes['glowplug.request_id'] === messageId);
    expect(own).toMatchObject({
      kind: 4,
      traceId: ofSender(at).traceId,
      parentSpanId: ofSender(at).spanId,
      attributes: { 'faas.trigger': 'pubsub', 'faas.invocation_id': 'i-1' },
      links: [{ context: { spanId: around?.spanId } }],
    });
    const goesOn = `00-${own?.traceId}-${own?.spanId}-01`;
    expect(called.get(messageId)).toBe(goesOn);
    expect(active.get(messageId)).toBe(own?.spanId);
    expect(queued.get(messageId)).toMatchObject({
      traceparent: { StringValue: goesOn },
      tracestate: { StringValue: 'test=1' },
    });
  }
});
