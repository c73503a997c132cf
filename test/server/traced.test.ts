// A server whose process has a tracer provider: what comes over HTTP and over gRPC goes on in the trace that the client names.
import { expect, it, onTestFinished } from 'vitest';
import { noLog, withFields } from '../../src/core/log.ts';
import { createContext } from '../../src/handler/context.ts';
import { defineFunction } from '../../src/handler/define.ts';
import { traceRequest } from '../../src/observe/request-span.ts';
import type { Unit } from '../../src/server/units.ts';
import { fakeHost } from '../handler/fake-host.ts';
import { type Ended, registerTracing } from '../observe/tracing.ts';
import { grpcClient } from './grpc-client.ts';
import { start } from './start-server.ts';

it('continues the client’s trace over HTTP and gRPC, each request its own', async () => {
  const spans: Ended[] = [];
  const tracing = registerTracing({ ended: (span) => void spans.push(span) });
  onTestFinished(() => tracing[Symbol.dispose]());
  const fn = defineFunction({ models: { m: 'm:1.0.0' } }, fakeHost().host, undefined, traceRequest);
  const log = withFields(noLog, {});
  const fetch: Unit['handler']['fetch'] = (request, given) => fn.fetch(request, createContext({ ...given, log }));
  const { server, post } = await start([{ name: 'f', models: [], handler: { fetch, warm: async () => {} } }], {
    grpcPort: 0,
  });
  await server.warm();
  const client = grpcClient(server.grpcPort ?? 0);
  onTestFinished(client.close);
  const traceparent = (at: number) => `00-${`${at + 1}`.padStart(32, '0')}-00f067aa0ba902b7-01`;
  const headers = (at: number) => ({ traceparent: traceparent(at), 'x-request-id': `r-${at}` });
  const input = { name: 'x', datatype: 'FP32', shape: [1, 2] };
  const asked = Array.from({ length: 20 }, async (_, at) => {
    if (at % 2 === 0) {
      const body = JSON.stringify({ inputs: [{ ...input, data: [1, 2] }] });
      return (await post('/v2/models/m/infer', body, { headers: headers(at) })).status;
    }
    const inputs = [{ ...input, contents: { fp32_contents: [1, 2] } }];
    return (await client.call('ModelInfer', { model_name: 'm', inputs }, { headers: headers(at) })).status;
  });
  expect(await Promise.all(asked)).toEqual(asked.map((_, at) => (at % 2 === 0 ? 200 : 0)));
  const requests = spans.filter(({ kind }) => kind === 1);
  const told = requests.map(({ name, traceId, parentSpanId, attributes }) => ({
    name,
    parentSpanId,
    at: attributes['glowplug.request_id'],
    traceId,
  }));
  expect(told).toHaveLength(20);
  expect(told).toEqual(
    expect.arrayContaining(
      asked.map((_, at) => ({
        name: 'POST /v2/models/{model}/infer',
        parentSpanId: '00f067aa0ba902b7',
        at: `r-${at}`,
        traceId: traceparent(at).split('-')[1],
      })),
    ),
  );
  expect(requests.every(({ attributes }) => !('faas.trigger' in attributes))).toBe(true);
});
