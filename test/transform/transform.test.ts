// Batch transform: every object one result or one failure, whatever dies meanwhile.
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { seededRandom } from '../../src/core/seeded-random.ts';
import type { Store } from '../../src/models/stores/store.ts';
import { type Ahead, type TransformOptions, transform } from '../../src/transform/transform.ts';
import { runs } from '../runs.ts';
import { memoryStore } from '../versions/memory-store.ts';

const noWait: Clock = { now: () => 0, sleep: async () => {} };
const upper: TransformOptions['send'] = async (_key, body) =>
  new Response(Buffer.from(body).toString().toUpperCase(), { headers: { 'x-glowplug-model': 'm=m:1.0.0@sha256:1' } });

async function inputs(texts: Record<string, string>): Promise<Store> {
  const { store } = memoryStore();
  for (const [key, text] of Object.entries(texts)) await store.put(key, Buffer.from(text), { ifNoneMatch: '*' });
  return store;
}

function all(objects: ReadonlyMap<string, { bytes: Uint8Array }>): Record<string, string> {
  return Object.fromEntries([...objects].map(([key, { bytes }]) => [key, Buffer.from(bytes).toString()]));
}

const run = (from: Store, to: Store, more: Partial<TransformOptions> = {}) =>
  transform({ from, to, send: upper, concurrency: 4, clock: noWait, random: () => 0.5, ...more });

describe('transform', () => {
  it('writes the answer to each object, and a manifest that says who answered', async () => {
    const { store, objects } = memoryStore();
    const from = await inputs({ 'a.txt': 'one', 'deep/b.txt': 'two', 'folder/': '' });
    const manifest = await run(from, store);
    expect(manifest).toEqual({
      from: 'memory',
      total: 2,
      skipped: 0,
      done: 2,
      failed: 0,
      models: ['m=m:1.0.0@sha256:1'],
      failures: [],
    });
    const { 'manifest.json': written, ...rest } = all(objects);
    expect(JSON.parse(written!)).toEqual(manifest);
    expect(rest).toEqual({ 'results/a.txt': 'ONE', 'results/deep/b.txt': 'TWO' });
  });

  it('does not ask again for what has an answer, nor for what was refused, unless it is told to', async () => {
    const { store, objects } = memoryStore();
    const from = await inputs({ good: 'one', bad: 'two' });
    const asked: string[] = [];
    let mended = false;
    const send: TransformOptions['send'] = async (key, body, signal) => {
      asked.push(key);
      return key === 'bad' && !mended ? new Response('no such thing', { status: 422 }) : upper(key, body, signal);
    };
    expect(await run(from, store, { send })).toMatchObject({ done: 1, failed: 1 });
    expect(JSON.parse(all(objects)['failures/bad.json']!)).toEqual({ key: 'bad', status: 422, error: 'no such thing' });
    const told = [{ key: 'bad', status: 422, error: 'no such thing' }];
    expect(await run(from, store, { send })).toMatchObject({ done: 0, skipped: 1, failed: 1, failures: told });
    mended = true;
    expect(await run(from, store, { send, retryFailed: true })).toMatchObject({ done: 1, skipped: 1, failed: 0 });
    expect(asked.toSorted()).toEqual(['bad', 'bad', 'good']);
    expect(Object.keys(all(objects)).toSorted()).toEqual(['manifest.json', 'results/bad', 'results/good']);
  });

  it('asks before it begins, measures by answering the first three, and leaves the rest where it is told to', async () => {
    const { store, objects } = memoryStore();
    const from = await inputs({ a: 'a', b: 'b', c: 'c', d: 'd', e: 'e' });
    const asked: number[] = [];
    const no = async ({ objects: left, measure }: Ahead) => {
      asked.push(left);
      expect(await measure()).toBeGreaterThanOrEqual(0);
      return false;
    };
    expect(await run(from, store, { before: no })).toMatchObject({ total: 5, done: 3, skipped: 0, failed: 0 });
    expect(Object.keys(all(objects)).toSorted()).toEqual(['manifest.json', 'results/a', 'results/b', 'results/c']);
    expect(await run(from, store, { before: async ({ objects: left }) => asked.push(left) > 0 })).toMatchObject({
      done: 2,
      skipped: 3,
    });
    const unasked = async () => expect.unreachable('nothing is left to send');
    expect(await run(from, store, { before: unasked })).toMatchObject({ skipped: 5 });
    expect(asked).toEqual([5, 2]);
  });

  it('asks again while the function is busy or away, and as late as it says', async () => {
    const waits: number[] = [];
    const clock: Clock = { now: () => 0, sleep: async (ms) => void waits.push(ms) };
    const answers = [
      () => new Response('', { status: 429, headers: { 'retry-after': '3' } }),
      () => {
        throw new TypeError('fetch failed');
      },
      () => new Response('', { status: 503 }),
      () => new Response('at last'),
    ];
    const { store, objects } = memoryStore();
    await run(await inputs({ a: '1' }), store, { clock, send: async () => answers.shift()!() });
    expect(all(objects)['results/a']).toBe('at last');
    expect(waits).toEqual([3000, 400, 800]);
  });

  it('says what never answered, and what was too large to be sent', async () => {
    const { store } = memoryStore();
    const from = await inputs({ away: '1', large: '0123456789' });
    const send = async () => {
      throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:9') });
    };
    const before = async ({ measure }: Ahead) => {
      expect(await measure()).toBeUndefined();
      return true;
    };
    const { failures } = await run(from, store, { send, before, maxBytes: 5 });
    expect(failures.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
      { key: 'away', status: 0, error: 'no answer: fetch failed: connect ECONNREFUSED 127.0.0.1:9' },
      { key: 'large', status: 413, error: 'expected at most 5 bytes, got 10' },
    ]);
  });

  it('has so many under way, and no more', async () => {
    let [now, most] = [0, 0];
    const send: TransformOptions['send'] = async (...args) => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
      return await upper(...args);
    };
    const texts = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`${at}`, 'x']));
    await run(await inputs(texts), memoryStore().store, { send, concurrency: 7 });
    expect(most).toBe(7);
  });

  it('killed anywhere and begun again, with a function that fails at random: no object is lost or answered twice', async () => {
    let [kills, objectsSeen] = [0, 0];
    for (let seed = 1; seed <= runs(40); seed++) {
      const random = seededRandom(seed);
      const texts = Object.fromEntries(
        Array.from({ length: 20 }, (_, at) => [`k${at}`, random() < 0.1 ? 'poison' : `v${at}`]),
      );
      const from = await inputs(texts);
      const written = new Map<string, string[]>();
      const { objects } = memoryStore();
      const send: TransformOptions['send'] = async (_key, body) => {
        const chance = random();
        if (chance < 0.1) return new Response('', { status: 503 });
        if (chance < 0.15) throw new TypeError('reset');
        const text = Buffer.from(body).toString();
        // A batched float is not bit-equal to a lone one: no two answers are the same.
        return text === 'poison' ? new Response('', { status: 400 }) : new Response(`${text} ${random()}`);
      };
      for (let life = 0; ; life++) {
        let left = life < 5 ? 1 + Math.floor(random() * 25) : Number.POSITIVE_INFINITY;
        const { store } = memoryStore(objects, async () => {
          if (--left < 0) throw new Error('killed');
        });
        try {
          await run(from, watching(store, written), { send, random });
          break;
        } catch (error) {
          if (!(error instanceof Error) || error.message !== 'killed') throw error;
          kills++;
        }
      }
      const { 'manifest.json': manifest, ...rest } = all(objects);
      for (const [key, text] of Object.entries(texts)) {
        const result = rest[`results/${key}`];
        expect([key, result !== undefined, rest[`failures/${key}.json`] !== undefined]).toEqual([
          key,
          text !== 'poison',
          text === 'poison',
        ]);
        if (result !== undefined) expect(written.get(`results/${key}`)).toEqual([result]);
        objectsSeen++;
      }
      const poison = Object.values(texts).filter((text) => text === 'poison').length;
      expect(JSON.parse(manifest!)).toMatchObject({ total: 20, failed: poison });
    }
    console.log(`transform: ${objectsSeen} objects, killed ${kills} times: 0 lost, 0 answered twice`);
    expect(kills).toBeGreaterThan(runs(40) / 2);
  });
});

/** Notes what each key was given, when the store took it. */
function watching(store: Store, written: Map<string, string[]>): Store {
  return {
    ...store,
    async put(key, body, condition, options) {
      const done = await store.put(key, body, condition, options);
      written.set(key, [...(written.get(key) ?? []), Buffer.from(body).toString()]);
      return done;
    },
  };
}
