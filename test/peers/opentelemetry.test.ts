// OpenTelemetry's own SDK in the process of a function, registered before the function is loaded, with its batching exporter: spans
// come out before the environment freezes, in the trace that came in, with the ids that the SDK gave.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/server/listen.ts';
import { type Harness, harness } from '../testing/runtime/harness.ts';
import { npmPeer } from './installed.ts';
import { irisApp } from './iris-app.ts';

const peer = await npmPeer(
  'opentelemetry',
  '@opentelemetry/api@1.9.1',
  '@opentelemetry/sdk-trace-node@2.12.0',
  '@opentelemetry/propagator-aws-xray@3.0.0',
  '@opentelemetry/instrumentation@0.223.0',
  '@opentelemetry/instrumentation-undici@0.33.0',
  '@opentelemetry/instrumentation-aws-lambda@0.75.0',
);

const tracing = `
import { appendFileSync } from 'node:fs';
import { register } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { AwsLambdaInstrumentation } from '@opentelemetry/instrumentation-aws-lambda';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { AWSXRayPropagator } from '@opentelemetry/propagator-aws-xray';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
const exporter = {
  export(spans, done) {
    for (const span of spans) {
      const { name, kind, attributes, status, parentSpanContext, instrumentationScope } = span;
      const { traceId, spanId } = span.spanContext();
      const line = { name, kind, traceId, spanId, parent: parentSpanContext?.spanId, attributes, status, scope: instrumentationScope.name };
      appendFileSync(process.env.SPANS, JSON.stringify(line) + '\\n');
    }
    done({ code: 0 });
  },
  shutdown: async () => {},
};
new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }).register({ propagator: new AWSXRayPropagator() });
const instrumentations = { fetch: UndiciInstrumentation, lambda: AwsLambdaInstrumentation };
const Chosen = instrumentations[process.env.INSTRUMENTED];
// Lambda's runtime imports a function, which alone would go past it.
if (process.env.INSTRUMENTED === 'lambda') register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
if (Chosen) registerInstrumentations({ instrumentations: [new Chosen()] });
`;

/** A second copy of the API, in the function's own bundle, meets the same provider. */
const source = `
import { trace } from '@opentelemetry/api';
import { inference, tensor } from 'glowplug';
export const handler = inference({
  models: { iris: 'iris:prod' },
  input: { kind: 'custom', decode: async (request) => await request.json() },
  async predict(lengths, { iris }, context) {
    const own = trace.getTracer('own').startSpan('own');
    await iris.run({ x: tensor('FP32', [1, 4], Float32Array.from(lengths)) });
    own.end();
    if (process.env.HOOK) await fetch(process.env.HOOK, { headers: context.trace.headers() });
    return { span: trace.getActiveSpan()?.spanContext().spanId, headers: context.trace.headers() };
  },
});
`;

if ('missing' in peer) {
  it.skip(`OpenTelemetry: ${peer.missing}`, () => {});
} else {
  describe('OpenTelemetry’s SDK', () => {
    it('has a span of each request before its environment freezes, below X-Ray’s', async () => {
      await using cloud = harness();
      const { fn, file } = await start(cloud);
      const { value } = await fn.call<{ span: string; headers: Record<string, string> }>([5.1, 3.5, 1.4, 0.2], {
        traceId,
      });
      expect(existsSync(file)).toBe(true);
      const spans = spansIn(file);
      const request = spans.find(({ name }) => name === 'inference');
      expect(request).toMatchObject({
        scope: 'glowplug',
        kind: 1,
        traceId: '5759e988bd862e3fe1be46a994272793',
        parent: '53995c3f42cd8ad8',
        spanId: value?.span,
        attributes: { 'faas.trigger': 'other', 'faas.coldstart': true, 'glowplug.status': 200 },
      });
      expect(value?.headers).toEqual({
        traceparent: `00-${request.traceId}-${request.spanId}-01`,
        'x-amzn-trace-id': `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=${request.spanId};Sampled=1`,
      });
      const below = spans.filter(({ parent }) => parent === request.spanId).map(({ name }) => name);
      expect(below).toEqual(
        expect.arrayContaining(['decode', 'warm', 'predict', 'encode', 'run iris', 'own', 'cold start: fetch']),
      );
      console.log(
        `OpenTelemetry's SDK: ${spans.length} spans of a cold request: ${spans.map(({ name }) => name).join(', ')}`,
      );
      const more = async (sampled: 0 | 1) => {
        const before = readFileSync(file, 'utf8').length;
        await fn.call([5.1, 3.5, 1.4, 0.2], { traceId: traceId.replace(/1$/, `${sampled}`) });
        return readFileSync(file, 'utf8').length - before;
      };
      expect(await more(1)).toBeGreaterThan(0);
      expect(await more(0)).toBe(0);
    }, 60_000);

    it.each([
      { instrumented: '', caller: 'inference' },
      { instrumented: 'fetch', caller: 'GET' },
    ])(
      'names one caller to whom the function fetches, instrumented or not: $caller',
      async ({ instrumented, caller }) => {
        const heard: (string | string[] | undefined)[] = [];
        const hook = createServer(({ headers }, response) => {
          heard.push(headers['x-amzn-trace-id']);
          response.end();
        });
        await listen(hook, '127.0.0.1', 0);
        onTestFinished(() => void hook.close());
        await using cloud = harness();
        const { fn, file } = await start(cloud, {
          INSTRUMENTED: instrumented,
          HOOK: `http://127.0.0.1:${portOf(hook)}/`,
        });
        await fn.call([5.1, 3.5, 1.4, 0.2], { traceId });
        const { traceId: id, spanId } = spansIn(file).find(({ name }) => name === caller);
        expect(heard).toEqual([`Root=1-${id.slice(0, 8)}-${id.slice(8)};Parent=${spanId};Sampled=1`]);
      },
      60_000,
    );

    it.each(['index.handler', 'init.handler'])(
      'is below the invocation’s span, where Lambda is instrumented: %s',
      async (handler) => {
        await using cloud = harness();
        const { fn, file } = await start(cloud, { INSTRUMENTED: 'lambda' }, handler);
        const { value } = await fn.call<{ span: string }>([5.1, 3.5, 1.4, 0.2], { traceId });
        const spans = spansIn(file);
        const own = spans.find(({ spanId }) => spanId === value?.span);
        const around = spans.find(({ spanId }) => spanId === own.parent);
        expect(around).toMatchObject({ scope: '@opentelemetry/instrumentation-aws-lambda' });
        expect(own).toMatchObject({ name: 'inference', kind: 0 });
      },
      60_000,
    );
  });
}

const traceId = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';

async function start(cloud: Harness, environment: Record<string, string> = {}, handler = 'index.handler') {
  const app = await irisApp('path' in peer ? peer.path : '', source);
  const file = join(app.folder, 'spans.jsonl');
  rmSync(file, { force: true });
  writeFileSync(join(app.folder, 'tracing.mjs'), tracing);
  const preload = pathToFileURL(join(app.folder, 'tracing.mjs')).href;
  const fn = app.start(cloud, { SPANS: file, NODE_OPTIONS: `--import=${preload}`, ...environment }, handler);
  return { fn, file };
}

function spansIn(file: string) {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
