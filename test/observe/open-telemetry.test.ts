// Where a process has a tracer provider, each request is spans of it: its own, its stages, its runs with who shared them; whoever
// called is its parent, whoever is called is told. Without one there is nothing.
import { createSocket } from 'node:dgram';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fixedPace } from '../../src/batch/pace.ts';
import type { Came } from '../../src/core/came.ts';
import { systemClock } from '../../src/core/clock.ts';
import { GlowplugError } from '../../src/core/errors.ts';
import { type Log, noLog } from '../../src/core/log.ts';
import { createContext } from '../../src/handler/context.ts';
import { defineFunction, type FunctionOptions, type Watch } from '../../src/handler/define.ts';
import type { ModelHost } from '../../src/handler/model.ts';
import { stream } from '../../src/handler/stream.ts';
import { flushSpans, propagationFields } from '../../src/observe/open-telemetry.ts';
import { type ColdStage, traceRequest } from '../../src/observe/request-span.ts';
import { watchRequests } from '../../src/observe/watch-requests.ts';
import { batched } from '../../src/session/batched.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { fakeHost } from '../handler/fake-host.ts';
import { type Ended, registerTracing } from './tracing.ts';

type Options = FunctionOptions<{ readonly m: 'm:1.0.0' }, string, unknown>;

const models = { m: 'm:1.0.0' } as const;
const row = () => ({ x: tensor('FP32', [1, 2], Float32Array.of(1, 2)) });
const runs: Options['predict'] = async (_, { m }) => (await m.run(row())) && 'done';
const theirs = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const traceparent = `00-${theirs.traceId}-${theirs.spanId}-01`;
const [server, consumer, internal] = [1, 4, 0];

interface Told {
  readonly xrayDaemon?: string;
  readonly log?: Log;
}

interface Given {
  readonly host?: () => ModelHost;
  readonly watch?: Watch;
  readonly sampled?: () => boolean;
  readonly manager?: boolean;
  readonly flushed?: () => void;
}

function traced(options: Partial<Options>, { host = fakeHost().host, watch = traceRequest, ...given }: Given = {}) {
  const spans: Ended[] = [];
  const tracing = registerTracing({ ended: (span) => void spans.push(span), ...given });
  onTestFinished(() => tracing[Symbol.dispose]());
  const input = {
    kind: 'custom' as const,
    accepts: [],
    decode: (request: { text(): Promise<string> }) => request.text(),
  };
  const fn = defineFunction({ models, input, predict: runs, ...options } as Options, host, undefined, watch);
  const ask = async (headers: Record<string, string> = {}, came: Came & { requestId?: string } = {}, path = '/') =>
    await fn.fetch(
      new Request(`https://f.test${path}?secret=1`, { method: 'POST', body: 'secret', headers }),
      createContext({ requestId: 'r-1', log: noLog, ...came }),
    );
  const named = (name: string) => spans.filter((span) => span.name === name);
  const request = () => spans.find(({ kind, name }) => kind !== internal || name.startsWith('POST'))!;
  return { spans, named, request, ask, tracing };
}

describe('a request, where a tracer provider is registered', () => {
  it('is a span with its verbs and runs below it, in the trace of who called, and nothing of what was sent', async () => {
    const { spans, named, request, ask } = traced({});
    await ask({ traceparent, cookie: 'secret' });
    expect(request()).toMatchObject({
      name: 'POST /',
      kind: server,
      traceId: theirs.traceId,
      parentSpanId: theirs.spanId,
      status: { code: 0 },
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'http.route': '/',
        'url.path': '/',
        'url.scheme': 'https',
        'glowplug.request_id': 'r-1',
      },
    });
    expect(request().attributes).not.toHaveProperty('faas.trigger');
    const below = spans.filter((span) => span !== request());
    expect(below.map(({ parentSpanId, traceId }) => ({ parentSpanId, traceId }))).toEqual(
      below.map(() => ({ parentSpanId: request().spanId, traceId: theirs.traceId })),
    );
    expect(below.map(({ name }) => name)).toEqual(expect.arrayContaining(['decode', 'predict', 'encode', 'run m']));
    expect(named('run m')).toMatchObject([
      {
        links: [],
        attributes: {
          'glowplug.model': 'm',
          'glowplug.version': '1.0.0',
          'glowplug.batch.rows': 1,
          'glowplug.batch.requests': 1,
        },
      },
    ]);
    for (const { start, end } of below) {
      expect(end).toBeGreaterThanOrEqual(start);
      expect(start).toBeGreaterThanOrEqual(request().start);
      expect(end).toBeLessThanOrEqual(request().end + 0.01);
    }
    expect(JSON.stringify(spans)).not.toContain('secret');
  });

  it('begins a trace where nobody called with one; what is not sampled is not recorded, and its headers say so', async () => {
    const headers: Record<string, string>[] = [];
    const predict: Options['predict'] = (_, _models, { trace }) => headers.push(trace.headers());
    const { request, ask } = traced({ predict });
    await ask();
    expect(request().parentSpanId).toBeUndefined();
    expect(headers[0]).toEqual({
      traceparent: `00-${request().traceId}-${request().spanId}-01`,
      tracestate: 'test=1',
      'x-amzn-trace-id': `Root=1-${request().traceId.slice(0, 8)}-${request().traceId.slice(8)};Parent=${request().spanId};Sampled=1`,
    });
    const unsampled = traced({ predict }, { sampled: () => false });
    await unsampled.ask();
    expect(unsampled.spans).toEqual([]);
    expect(headers[1]?.['traceparent']).toMatch(/-00$/);
  });

  it('leaves headers to an instrumentation of fetch, which would add them a second time', async () => {
    const headers: object[] = [];
    const { ask } = traced({ predict: (_, _models, { trace }) => headers.push(trace.headers()) });
    const instrument = () => {};
    subscribe('undici:request:create', instrument);
    await ask({ traceparent });
    unsubscribe('undici:request:create', instrument);
    await ask({ traceparent });
    expect(headers.map((each) => 'traceparent' in each)).toEqual([false, true]);
  });

  it('names the route, never the path that a client chose', async () => {
    const { spans, ask } = traced({ oip: true });
    await ask({}, {}, '/v2/models/m/infer');
    await ask({}, {}, '/v2/models/m/versions/1.0.0/infer');
    await ask({}, {}, '/orders/17');
    await ask({}, {}, '/v2/health/ready');
    expect(spans.filter(({ kind }) => kind === server).map(({ name }) => name)).toEqual([
      'POST /v2/models/{model}/infer',
      'POST /v2/models/{model}/versions/{version}/infer',
      'POST',
    ]);
  });

  it('has the code of what went wrong; a client’s fault is no error of the server, but one of a message', async () => {
    const wide = { x: tensor('FP32', [1, 3], Float32Array.of(1, 2, 3)) };
    const refused = traced({ predict: async (_, { m }) => await m.run(wide) });
    await refused.ask();
    expect(refused.request()).toMatchObject({ status: { code: 0 }, attributes: { 'glowplug.code': 'INPUT_TENSOR' } });
    await refused.ask({}, { trigger: 'pubsub' });
    expect(refused.spans.at(-1)).toMatchObject({
      name: 'inference',
      status: { code: 2, message: 'INPUT_TENSOR' },
      attributes: { 'error.type': 'INPUT_TENSOR', 'glowplug.status': 400 },
    });
    const failed = traced({ predict: () => Promise.reject(new Error('secret')) });
    await failed.ask();
    expect(failed.request()).toMatchObject({
      status: { code: 2, message: 'INTERNAL' },
      attributes: { 'error.type': 'INTERNAL' },
    });
    expect(JSON.stringify(failed.spans)).not.toContain('secret');
  });

  it('is below the span that is around it; a message is its sender’s, with a link to what received it', async () => {
    const { tracing, spans, ask } = traced({});
    await tracing.below('invocation', async () => {
      await ask({ traceparent });
      await ask({ traceparent }, { trigger: 'pubsub' });
      await ask({}, { trigger: 'pubsub' });
    });
    const around = spans.find(({ name }) => name === 'invocation')!;
    const ofMessages = spans.filter(({ kind }) => kind === consumer);
    expect(spans.find(({ name }) => name === 'POST /')).toMatchObject({
      kind: internal,
      parentSpanId: around.spanId,
      links: [],
    });
    expect(ofMessages).toMatchObject([
      { parentSpanId: theirs.spanId, links: [{ context: { spanId: around.spanId } }] },
      { parentSpanId: around.spanId, links: [] },
    ]);
  });

  it('is over with the last byte of a streamed answer, and active while each of its parts is made', async () => {
    const active: unknown[] = [];
    const made = traced({
      async *predict(_: string, { m }: { m: { run(feeds: object): Promise<unknown> } }) {
        yield active.push(made.tracing.activeSpan()?.spanId);
        await m.run(row());
        yield active.push(made.tracing.activeSpan()?.spanId);
        throw new Error('late');
      },
      encode: stream('lines'),
    } as never);
    const answer = await made.ask();
    expect(made.named('POST /')).toEqual([]);
    await answer.text();
    expect(made.request()).toMatchObject({
      status: { code: 2, message: 'INTERNAL' },
      attributes: { 'http.response.status_code': 200 },
    });
    expect(active).toEqual([made.request().spanId, made.request().spanId]);
  });

  it('links a shared run to all who shared it, from the first that is recorded and back to it', async () => {
    const { host, session } = fakeHost();
    const together = batched(session, { objective: { p95: 100 } }, systemClock, () => fixedPace(4, 0));
    const meeting = () => ({ ...host(), lease: async () => ({ session: together, [Symbol.dispose]() {} }) });
    const all = Promise.withResolvers<void>();
    let here = 0;
    const predict: Options['predict'] = async (_, { m }) => {
      if (++here === 4) all.resolve();
      await all.promise;
      await m.run(row());
      return 'done';
    };
    const { spans, named, ask } = traced({ predict }, { host: meeting });
    const unsampled = { traceparent: traceparent.replace(/01$/, '00') };
    await Promise.all([unsampled, {}, {}, {}].map((headers, at) => ask(headers, { requestId: `r-${at}` })));
    const of = (at: number) => spans.find(({ attributes }) => attributes['glowplug.request_id'] === `r-${at}`)!;
    const linksOf = (at: number) =>
      named('run m')
        .find(({ parentSpanId }) => parentSpanId === of(at).spanId)!
        .links.map(({ context }) => context.spanId);
    expect(named('run m').map(({ attributes }) => attributes['glowplug.batch.requests'])).toEqual([4, 4, 4]);
    expect(linksOf(1)).toHaveLength(3);
    expect(linksOf(1)).toEqual(expect.arrayContaining([of(2).spanId, of(3).spanId]));
    expect([linksOf(2), linksOf(3)]).toEqual([[of(1).spanId], [of(1).spanId]]);
  });

  it('never takes another’s context, however many run at once', async () => {
    const { tracing, spans, ask } = traced({
      async predict(_, { m }, { trace, requestId }) {
        const before = tracing.activeSpan()?.spanId;
        await new Promise((done) => setTimeout(done, Math.random() * 10));
        await m.run(row());
        await new Promise((done) => setImmediate(done));
        seen.set(requestId, [before, tracing.activeSpan()?.spanId, trace.headers()['traceparent']?.split('-')[2]]);
        return 'done';
      },
    });
    const seen = new Map<string, (string | undefined)[]>();
    await Promise.all(Array.from({ length: 200 }, (_, at) => ask({}, { requestId: `r-${at}` })));
    const requests = spans.filter(({ name }) => name === 'POST /');
    expect(new Set(requests.map(({ spanId }) => spanId)).size).toBe(200);
    for (const { spanId, attributes } of requests) {
      expect(seen.get(String(attributes['glowplug.request_id']))).toEqual([spanId, spanId, spanId]);
    }
  });

  it('does without a context manager and a propagator', async () => {
    const { spans, ask } = traced({}, { manager: false });
    await ask({ traceparent });
    expect(spans.map(({ traceId }) => traceId)).toEqual(spans.map(() => theirs.traceId));
  });
});

describe('a request on Lambda', () => {
  const watch = (coldStages: () => readonly ColdStage[] | undefined, { xrayDaemon, log = noLog }: Told = {}) =>
    watchRequests({ memoryMb: 1024, workers: undefined, xrayDaemon }, { functionName: 'f', log, coldStages });

  it('is answered the same, and once, whatever of somebody’s tracing throws', async () => {
    const ours = () => {
      throw new Error('a fault of the tracing');
    };
    const api = () => Object(Reflect.get(globalThis, Symbol.for('opentelemetry.js.api.1')));
    const spanWithout = (name: string) => () => {
      const { startSpan } = api().trace.getTracer();
      api().trace.getTracer = () => ({
        startSpan: (...given: unknown[]) => ({ ...startSpan(...given), [name]: ours }),
      });
    };
    const breaks: Readonly<Record<string, () => void>> = {
      getTracer: () => (api().trace.getTracer = ours),
      getDelegate: () => (api().trace.getDelegate = ours),
      forceFlush: () => (api().trace.getDelegate().forceFlush = ours),
      startSpan: () => (api().trace.getTracer = () => ({ startSpan: ours })),
      'no span': () => (api().trace.getTracer = () => ({ startSpan() {} })),
      active: () => (api().context.active = ours),
      'with, before': () => (api().context.with = ours),
      'with, after': () =>
        (api().context.with = (_: unknown, work: () => unknown) => {
          work();
          ours();
        }),
      fields: () => (api().propagation.fields = ours),
      extract: () => (api().propagation.extract = ours),
      inject: () => (api().propagation.inject = ours),
      spanContext: spanWithout('spanContext'),
      setAttributes: spanWithout('setAttributes'),
      setStatus: spanWithout('setStatus'),
      end: spanWithout('end'),
    };
    const warn = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    for (const [name, broken] of Object.entries(breaks)) {
      let calls = 0;
      const predict: Options['predict'] = async (input, used, { trace }) => {
        calls++;
        trace.headers();
        if (input !== 'secret') throw new Error('unreachable');
        await used.m.run(row());
        throw new GlowplugError('INPUT_SCHEMA', 'theirs');
      };
      const { ask, tracing } = traced({ predict });
      broken();
      const { status } = await ask({ traceparent });
      propagationFields();
      await flushSpans(1000);
      expect([name, status, calls]).toEqual([name, 400, 1]);
      tracing[Symbol.dispose]();
    }
    warn.mockRestore();
  });

  it('says what called the function, and tells its start with the first one', async () => {
    let stages: ColdStage[] | undefined = [{ stage: 'fetch', from: 10, to: 30, model: 'm' }];
    const { spans, named, request, ask } = traced({}, { watch: watch(() => stages) });
    await ask({}, { trigger: 'http', invocationId: 'i-1' });
    expect(request().attributes).toMatchObject({
      'faas.trigger': 'http',
      'faas.invocation_id': 'i-1',
      'faas.coldstart': true,
    });
    expect(named('cold start: fetch')).toMatchObject([
      { parentSpanId: request().spanId, attributes: { 'glowplug.model': 'm' } },
    ]);
    expect(named('cold start: fetch')[0]?.start).toBeCloseTo(performance.timeOrigin + 10, 1);
    await ask({}, { trigger: 'http' });
    stages = undefined;
    await ask({}, { trigger: 'http' });
    expect(named('cold start: fetch')).toHaveLength(1);
    expect(spans.filter(({ kind }) => kind === server).map(({ attributes }) => attributes['faas.coldstart'])).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('has its line in the log as before, under the span’s trace; X-Ray is sent no second copy', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = { ...noLog, info: (message: string, fields = {}) => void lines.push({ message, ...fields }) };
    const daemon = createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => void daemon.close());
    await once(daemon, 'listening');
    const { port } = daemon.address();
    const heard = once(daemon, 'message');
    const { request, ask } = traced({}, { watch: watch(() => undefined, { xrayDaemon: `127.0.0.1:${port}`, log }) });
    const xray = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
    await ask({}, { trigger: 'http', xray });
    daemon.send('nothing came before this', port, '127.0.0.1');
    expect(String((await heard)[0])).toBe('nothing came before this');
    expect(lines).toMatchObject([
      {
        message: 'request',
        traceparent: `00-${request().traceId}-${request().spanId}-01`,
        xray_trace_id: '1-5759e988-bd862e3fe1be46a994272793',
      },
    ]);
  });

  it('hands its spans on before the process freezes, unless somebody around it does', async () => {
    let flushes = 0;
    const { tracing } = traced({}, { flushed: () => void flushes++ });
    await flushSpans(1000);
    expect(flushes).toBe(1);
    await tracing.below('invocation', () => flushSpans(1000));
    expect(flushes).toBe(1);
  });

  it('does not wait for spans that cannot be handed on', async () => {
    const began = performance.now();
    Reflect.set(globalThis, Symbol.for('opentelemetry.js.api.1'), {
      version: '1.9.0',
      trace: { getTracer: () => ({}), forceFlush: () => new Promise(() => {}) },
    });
    onTestFinished(() => void Reflect.deleteProperty(globalThis, Symbol.for('opentelemetry.js.api.1')));
    await flushSpans(40);
    expect(performance.now() - began).toBeLessThan(400);
    Reflect.set(globalThis, Symbol.for('opentelemetry.js.api.1'), {
      version: '1.9.0',
      trace: { getTracer: () => ({}), forceFlush: () => Promise.reject(new Error('no collector')) },
    });
    await flushSpans(40);
  });
});

describe('without a tracer provider', () => {
  it('a request has no span, and whoever registers later is heard', async () => {
    const { tracing, spans, ask } = traced({});
    tracing[Symbol.dispose]();
    expect((await ask({ traceparent })).status).toBe(200);
    await flushSpans(1000);
    expect(spans).toEqual([]);
    const again = registerTracing({ ended: (span) => void spans.push(span) });
    await ask();
    again[Symbol.dispose]();
    expect(spans).not.toEqual([]);
  });
});
