// What a function tells of its requests: of each once, with its code, its runs and whom they ran with; of health checks nothing.
import { describe, expect, it } from 'vitest';
import { fixedPace } from '../../src/batch/pace.ts';
import { systemClock } from '../../src/core/clock.ts';
import { noLog } from '../../src/core/log.ts';
import type { RequestRecord } from '../../src/core/request-record.ts';
import { createContext } from '../../src/handler/context.ts';
import { defineFunction, type FunctionOptions } from '../../src/handler/define.ts';
import { stream } from '../../src/handler/stream.ts';
import { batched } from '../../src/session/batched.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { fakeHost } from '../handler/fake-host.ts';

const models = { m: 'm:1.0.0' } as const;
const input = {
  kind: 'custom' as const,
  accepts: [],
  decode: (request: { text(): Promise<string> }) => request.text(),
};
const row = () => ({ x: tensor('FP32', [1, 2], Float32Array.of(1, 2)) });

function watched(options: FunctionOptions<typeof models, string, unknown>, host = fakeHost().host) {
  const told: RequestRecord[] = [];
  let begun = 0;
  const watch = () => {
    begun++;
    return (record: RequestRecord) => void told.push(record);
  };
  const fn = defineFunction(
    { models, input, ...options } as FunctionOptions<typeof models, string, unknown>,
    host,
    undefined,
    watch,
  );
  const post = (requestId = 'r-1', headers = {}, path = '/') =>
    fn.fetch(
      new Request(`https://f.test${path}`, { method: 'POST', body: 'secret', headers }),
      createContext({ requestId, log: noLog }),
    );
  return { fn, told, post, begun: () => begun };
}

describe('a watched function', () => {
  it('tells of a request its verbs, its runs and their versions, and nothing that came with it', async () => {
    const { told, post } = watched({ predict: async (_, { m }) => (await m.run(row())) && 'secret answer' });
    const answer = await post('r-1', {
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      'x-user': 'somebody',
    });
    expect(answer.headers.get('x-request-id')).toBe('r-1');
    expect(told).toMatchObject([
      {
        requestId: 'r-1',
        status: 200,
        runs: [{ model: 'm', version: '1.0.0', rows: 1, requests: 1, shapes: { x: [1, 2] } }],
        trace: { parentId: '00f067aa0ba902b7' },
      },
    ]);
    expect(told[0]?.stages.map(({ stage }) => stage)).toEqual(['decode', 'warm', 'predict', 'encode']);
    expect(JSON.stringify(told)).not.toMatch(/secret|somebody/);
  });

  it('tells the code of what was refused and of what failed', async () => {
    const refused = watched({
      predict: async (_, { m }) => await m.run({ x: tensor('FP32', [1, 3], Float32Array.of(1, 2, 3)) }),
    });
    await refused.post();
    expect(refused.told).toMatchObject([{ status: 400, code: 'INPUT_TENSOR', runs: [] }]);
    const failed = watched({ predict: () => Promise.reject(new Error('broken')) });
    await failed.post();
    expect(failed.told).toMatchObject([{ status: 500, code: 'INTERNAL' }]);
  });

  it('tells of a streamed answer when it is over: read, failed on the way, or left', async () => {
    const parts = async function* (_: string, { m }: { m: { run(feeds: object): Promise<unknown> } }) {
      yield 1;
      await m.run(row());
      yield 2;
    };
    const whole = watched({ predict: parts as never, encode: stream('lines') as never });
    const answer = await whole.post();
    expect(whole.told).toEqual([]);
    await answer.text();
    expect(whole.told).toMatchObject([{ status: 200, runs: [{ model: 'm' }] }]);

    const breaking = async function* () {
      yield 1;
      throw new Error('late');
    };
    const broken = watched({ predict: breaking as never, encode: stream('lines') as never });
    await (await broken.post()).text();
    expect(broken.told).toMatchObject([{ status: 200, code: 'INTERNAL' }]);

    const left = watched({ predict: parts as never, encode: stream('lines') as never });
    await (await left.post()).body?.cancel();
    expect(left.told).toMatchObject([{ code: 'CLIENT_GONE' }]);
  });

  it('tells with how many a request ran, where requests meet', async () => {
    const { host, session } = fakeHost();
    const together = batched(session, { objective: { p95: 100 } }, systemClock, () => fixedPace(3, 0));
    const meeting = () => ({ ...host(), lease: async () => ({ session: together, [Symbol.dispose]() {} }) });
    const all = Promise.withResolvers<void>();
    let here = 0;
    const predict: FunctionOptions<typeof models, string, unknown>['predict'] = async (_, { m }) => {
      if (++here === 3) all.resolve();
      await all.promise;
      await m.run(row());
      return 'done';
    };
    const { told, post } = watched({ predict }, meeting);
    await Promise.all(['a', 'b', 'c'].map((id) => post(id)));
    expect(told.map(({ runs }) => runs[0]?.requests)).toEqual([3, 3, 3]);
    expect(told.map(({ runs }) => runs[0]?.rows)).toEqual([3, 3, 3]);
  });

  it('counts inferences of the protocol, and no health check', async () => {
    const { fn, begun } = watched({ predict: () => 'x', oip: true });
    for (const path of ['/v2/health/ready', '/v2/health/live', '/v2', '/v2/models/m']) {
      expect((await fn.fetch(new Request(`https://f.test${path}`), createContext({ log: noLog }))).status).toBe(200);
    }
    expect(begun()).toBe(0);
    await fn.fetch(
      new Request('https://f.test/v2/models/m/infer', { method: 'POST', body: '{}' }),
      createContext({ log: noLog }),
    );
    expect(begun()).toBe(1);
  });
});
