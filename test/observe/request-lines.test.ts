// A request that is over: its line, its metrics within CloudWatch's rules, its price, its span.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/core/error-catalogue.ts';
import { type Fields, noLog } from '../../src/core/log.ts';
import { listedRuns, type ModelRun, type RequestRecord } from '../../src/core/request-record.ts';
import { traceOf, traceparent, xrayHeader } from '../../src/core/trace-context.ts';
import { createContext } from '../../src/handler/context.ts';
import { RequestTrace } from '../../src/handler/request-trace.ts';
import { prices } from '../../src/observe/prices.ts';
import { requestLines } from '../../src/observe/request-lines.ts';
import { TimeShare } from '../../src/observe/time-share.ts';
import { watchRequests } from '../../src/observe/watch-requests.ts';
import { embeddedMetricFaults } from './embedded-metrics.ts';

const about = { functionName: 'ocr', cold: false, dollars: 0.000_012 };
const run = (model: string, more: Partial<ModelRun> = {}): ModelRun => ({
  model,
  version: '1.0.0',
  from: 2,
  to: 12,
  queueMs: 4,
  rows: 8,
  requests: 3,
  ...more,
});
const record = (more: Partial<RequestRecord> = {}): RequestRecord => ({
  requestId: 'r-1',
  trace: traceOf({}),
  startedAt: 1_790_000_000_000,
  ms: 15,
  status: 200,
  stages: [
    { stage: 'decode', from: 0, to: 1 },
    { stage: 'predict', from: 1, to: 14 },
    { stage: 'encode', from: 14, to: 15 },
  ],
  runs: [run('det'), run('rec'), run('rec', { queueMs: 0 })],
  ...more,
});
const request = new Request('https://f.test/', { method: 'POST' });
const written = (of: RequestRecord) => requestLines(of, about).map(({ fields }) => fields);

describe('the lines of a request', () => {
  it('are one, and one more for each further model', () => {
    const [first, further, ...more] = written(record());
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      requestId: 'r-1',
      FunctionName: 'ocr',
      Latency: 15,
      Model: 'det',
      Version: '1.0.0',
      Runs: 1,
      Queue: [4],
      Run: [6],
      BatchRows: [8],
    });
    expect(first?.['CostMicrodollars']).toBeCloseTo(12);
    expect(further).toMatchObject({ requestId: 'r-1', Model: 'rec', Runs: 2, Queue: [4, 0], Run: [6, 10] });
    expect(dimensionsOf(first)).toEqual([
      ['FunctionName'],
      ['FunctionName', 'Model', 'Version'],
      ['FunctionName', 'Model'],
    ]);
  });

  it('count refusals and faults by code', () => {
    const [refused] = written(record({ status: 413, code: 'INPUT_TOO_LARGE', runs: [] }));
    expect(refused).not.toHaveProperty('Failed');
    expect(refused).toMatchObject({ Refused: 1, Code: 'INPUT_TOO_LARGE', Errors: 1 });
    expect(dimensionsOf(refused)).toEqual([['FunctionName'], ['FunctionName', 'Code']]);
    expect(written(record({ status: 504, code: 'DEADLINE' }))[0]).toMatchObject({
      Failed: 1,
      Code: 'DEADLINE',
    });
  });

  it('keep CloudWatch’s rules, whatever happened', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,40}$/);
    const ms = fc.double({ min: 0, max: 900_000, noNaN: true });
    const runs = fc.array(
      fc.record({
        model: name,
        version: name,
        from: ms,
        to: ms,
        queueMs: ms,
        rows: fc.nat(256),
        requests: fc.nat(128),
      }),
      { maxLength: listedRuns },
    );
    fc.assert(
      fc.property(runs, fc.constantFrom(undefined, ...Object.keys(catalogue)), ms, (runs, code, took) => {
        for (const fields of written(record({ runs, ms: took, ...(code ? { code } : {}) }))) {
          expect(embeddedMetricFaults(JSON.stringify(fields))).toEqual([]);
        }
      }),
    );
    expect(embeddedMetricFaults(JSON.stringify(written(record({ runs: Array(101).fill(run('m')) }))[0]))).not.toEqual(
      [],
    );
  });
});

describe('a request’s trace', () => {
  it('goes on with the client’s, or with Lambda’s, and tells both to whom it calls', () => {
    const w3c = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const xray = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0';
    const own = traceOf({ xray });
    expect(own).toMatchObject({
      traceId: '5759e988bd862e3fe1be46a994272793',
      parentId: '53995c3f42cd8ad8',
      sampled: false,
    });
    expect(xrayHeader(own)).toBe(`Root=1-5759e988-bd862e3fe1be46a994272793;Parent=${own.spanId};Sampled=0`);
    const clients = traceOf({ traceparent: w3c, xray });
    expect(clients).toMatchObject({ parentId: '00f067aa0ba902b7', sampled: true });
    expect(traceparent(clients)).toBe(`00-4bf92f3577b34da6a3ce929d0e0e4736-${clients.spanId}-01`);
    for (const none of [
      '',
      'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
      '<script>',
    ]) {
      expect(traceOf({ traceparent: none, xray: none })).toMatchObject({ parentId: undefined, sampled: false });
    }
  });

  it('ends once: with its answer, or when the streamed body of it is over', async () => {
    let now = 0;
    const told: RequestRecord[] = [];
    const tell = (each: RequestRecord) => void told.push(each);
    const trace = new RequestTrace('r', undefined, () => now);
    trace.hold();
    now = 5;
    await trace.end(200, tell);
    expect(told).toEqual([]);
    now = 30;
    trace.failed('DEADLINE');
    await trace.release();
    await trace.release();
    await trace.end(500, tell);
    expect(told).toMatchObject([{ ms: 30, status: 200, code: 'DEADLINE' }]);
    const late = new RequestTrace('r', undefined, () => now);
    await late.end(504, tell);
    late.hold();
    expect(told).toHaveLength(2);
  });

  it('lists so many runs as a metric may have values, and counts the others', async () => {
    const trace = new RequestTrace('r');
    for (let at = 0; at < listedRuns + 7; at++) trace.ran(run('m'));
    const told: RequestRecord[] = [];
    await trace.end(200, (each) => void told.push(each));
    expect([told[0]?.runs.length, told[0]?.moreRuns]).toEqual([listedRuns, 7]);
  });

  it('is a subsegment that X-Ray’s daemon is sent, when it is sampled', async () => {
    const daemon = createSocket('udp4').bind(0, '127.0.0.1');
    await once(daemon, 'listening');
    try {
      const heard = once(daemon, 'message');
      const tell = await watch({ xrayDaemon: `127.0.0.1:${daemon.address().port}` });
      await tell(record());
      await tell(
        record({
          trace: traceOf({ xray: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1' }),
          status: 429,
        }),
      );
      const [header, segment = ''] = String((await heard)[0]).split('\n');
      expect(JSON.parse(header ?? '')).toEqual({ format: 'json', version: 1 });
      const sent = JSON.parse(segment);
      expect(sent).toMatchObject({
        type: 'subsegment',
        name: 'inference',
        trace_id: '1-5759e988-bd862e3fe1be46a994272793',
        parent_id: '53995c3f42cd8ad8',
        start_time: 1_790_000_000,
        end_time: 1_790_000_000.015,
        error: true,
        throttle: true,
      });
      expect(sent.subsegments.map(({ name }: { name: string }) => name)).toEqual([
        'decode',
        'predict',
        'encode',
        'det',
        'rec',
        'rec',
      ]);
    } finally {
      daemon.close();
    }
  });
});

describe('what a request costs', () => {
  it('is its part of the environment’s time: the parts of requests that run at once sum up to the whole', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 1000 })), { minLength: 1, maxLength: 20 }),
        (spans) => {
          let now = 0;
          const share = new TimeShare(() => now);
          const events = spans.flatMap(([from, length], at) => [
            { at, ms: from, ends: false },
            { at, ms: from + length, ends: true },
          ]);
          events.sort((a, b) => a.ms - b.ms || Number(a.ends) - Number(b.ends));
          const open = new Map<number, () => number>();
          let [sum, busy, last] = [0, 0, 0];
          for (const { at, ms, ends } of events) {
            if (open.size > 0) busy += ms - last;
            last = now = ms;
            if (ends) sum += open.get(at)?.() ?? 0;
            if (ends) open.delete(at);
            else open.set(at, share.begin());
          }
          expect(sum).toBeCloseTo(busy);
        },
      ),
    );
  });

  it('is Lambda’s list price of it, with the start that a first one makes; on instances nobody’s', async () => {
    const cost = async (host: Parameters<typeof watchRequests>[0], cold = false) => {
      let now = 400;
      const lines: Fields[] = [];
      const log = { info: (_: string, fields: Fields = {}) => void lines.push(fields), warn() {}, error() {} };
      const watch = {
        functionName: 'f',
        log,
        coldStages: () => (cold ? [] : undefined),
        arch: 'arm64',
        now: () => now,
      };
      const tell = await watchRequests(host, watch)(request, createContext());
      now = 500;
      await tell(record());
      return lines[0]?.['CostMicrodollars'];
    };
    const micro = (ms: number) => (prices.lambda.request + (ms / 1000) * 2 * prices.lambda.gbSecond.arm64) * 1e6;
    const host = { memoryMb: 2048, workers: undefined };
    expect(await cost(host)).toBeCloseTo(micro(100));
    expect(await cost(host, true)).toBeCloseTo(micro(500));
    expect(await cost({ ...host, initialization: 'provisioned-concurrency' }, true)).toBeCloseTo(micro(100));
    expect(await cost({ ...host, workers: 1 })).toBeUndefined();
  });
});

function watch(host: { xrayDaemon: string }) {
  const options = { functionName: 'f', log: noLog, coldStages: () => undefined };
  return watchRequests({ memoryMb: 1024, workers: undefined, ...host }, options)(request, createContext());
}

function dimensionsOf(fields: Fields | undefined): string[][] {
  const { CloudWatchMetrics } = Object(fields?.['_aws']);
  return CloudWatchMetrics.flatMap(({ Dimensions }: { Dimensions: string[][] }) => Dimensions);
}
