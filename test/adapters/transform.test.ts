// A batch of objects from Step Functions: one result or one failure each, whatever breaks and however often it comes again.
import type { Context as LambdaContext } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { answerEvent } from '../../src/adapters/lambda.ts';
import type { TransformEvent } from '../../src/adapters/transform-event.ts';
import type { HttpRequest } from '../../src/core/light-http.ts';
import type { Results } from '../../src/results/results.ts';
import { memoryBucket } from '../results/memory-bucket.ts';
import { runs } from '../runs.ts';

const lambda = { awsRequestId: 'r-7', getRemainingTimeInMillis: () => 60_000 } as LambdaContext;

function setting(texts: Readonly<Record<string, string>>) {
  const { results: to, objects, faults } = memoryBucket();
  const from: Pick<Results, 'get'> = {
    async get(key) {
      const text = texts[key];
      return text === undefined ? undefined : { status: 0, headers: {}, body: Uint8Array.from(Buffer.from(text)) };
    },
  };
  const written = () =>
    Object.fromEntries(
      [...objects].map(([path, { body }]) => [path.replace('/results/here/', ''), Buffer.from(body).toString()]),
    );
  const event = (keys: readonly string[], retry = 0): TransformEvent => ({
    transform: { from: 's3://in/2026', to: 's3://out/Scans', path: '/v2/models/m/infer', retries: 2 },
    retry,
    items: keys.map((key) => ({ Key: `2026/${key}`, Size: texts[key]?.length ?? 0 })),
  });
  const run = async (given: TransformEvent, fetch: (request: HttpRequest) => Promise<Response>) =>
    await answerEvent((request) => fetch(request), given, lambda, { places: async () => ({ from, to }) });
  return { event, run, written, faults };
}

const upper = async (request: HttpRequest) => new Response((await request.text()).toUpperCase());

describe('a batch transform’s event', () => {
  it('asks for all objects at once, as what their names say they are, and writes what comes', async () => {
    const { event, run, written } = setting({ 'a.txt': 'one', 'deep/ü b.json': '"two"' });
    const seen: string[] = [];
    const { promise: bothThere, resolve } = Promise.withResolvers<void>();
    const answer = await run(event(['a.txt', 'deep/', 'deep/ü b.json']), async (request) => {
      seen.push(`${request.method} ${new URL(request.url).pathname} ${request.headers.get('content-type')}`);
      if (seen.length === 2) resolve();
      await bothThere;
      return await upper(request);
    });
    expect(answer).toEqual({ done: 2, skipped: 0, failed: 0 });
    expect(seen.toSorted()).toEqual(['POST /v2/models/m/infer application/json', 'POST /v2/models/m/infer text/plain']);
    expect(written()).toEqual({ 'results/a.txt': 'ONE', 'results/deep/ü b.json': '"TWO"' });
  });

  it('says why there is none for what is refused, has gone, or is too large, and never asks for those again', async () => {
    const { event, run, written } = setting({ good: 'one', bad: 'two', large: '3' });
    const refuse = async (request: HttpRequest) => {
      const text = await request.text();
      return text === 'two'
        ? Response.json({ error: 'not this', code: 'INPUT_INVALID' }, { status: 422 })
        : new Response(text);
    };
    const given = event(['good', 'bad', 'gone']);
    const items = [...given.items, { Key: '2026/large', Size: 2e8 }];
    expect(await run({ ...given, items }, refuse)).toEqual({ done: 1, skipped: 0, failed: 3 });
    const { 'failures/bad.json': bad, 'failures/gone.json': gone, 'failures/large.json': large } = written();
    expect(JSON.parse(bad!)).toEqual({ key: 'bad', status: 422, error: 'INPUT_INVALID: not this' });
    expect(JSON.parse(gone!)).toMatchObject({ key: 'gone', status: 404 });
    expect(JSON.parse(large!)).toMatchObject({ status: 413, error: 'expected at most 100000000 bytes, got 200000000' });
    const asked = async (): Promise<Response> => {
      throw new Error('asked again');
    };
    expect(await run({ ...given, items }, asked)).toEqual({ done: 0, skipped: 4, failed: 0 });
  });

  it('throws for what may pass, after all others have their results, and says so at the last retry', async () => {
    const { event, run, written } = setting({ a: 'one', busy: 'two' });
    const fetch = async (request: HttpRequest) => {
      const text = await request.text();
      return text === 'two' ? new Response('later', { status: 503 }) : new Response(text.toUpperCase());
    };
    await expect(run(event(['busy', 'a'], 0), fetch)).rejects.toThrow(/for each of 2 objects, 1 have none yet, busy/);
    expect(written()).toEqual({ 'results/a': 'ONE' });
    expect(await run(event(['busy', 'a'], 2), fetch)).toEqual({ done: 0, skipped: 1, failed: 1 });
    expect(JSON.parse(written()['failures/busy.json']!)).toEqual({ key: 'busy', status: 503, error: 'later' });
  });

  it('is an input like any other where the host has no places', async () => {
    const { event } = setting({});
    const result = await answerEvent(async (request) => new Response(await request.text()), event([]), lambda);
    expect(JSON.stringify(result)).toContain('2026');
  });

  it('at random, with a store and a function that break and batches that come twice at once: each object one, its own', async () => {
    let [objects, retried] = [0, 0];
    for (let seed = 1; seed <= runs(60); seed++) {
      let state = seed * 2654435761;
      const random = () => {
        state = (Math.imul(state ^ (state >>> 15), 2246822519) + 1013904223) >>> 0;
        return state / 2 ** 32;
      };
      const keys = Array.from({ length: 12 }, (_, at) => `k${at}`);
      const texts = Object.fromEntries(keys.map((key) => [key, random() < 0.15 ? `poison ${key}` : key]));
      const { event, run, written, faults } = setting(texts);
      const fetch = async (request: HttpRequest) => {
        const text = await request.text();
        if (random() < 0.15) return new Response('', { status: 503 });
        if (text.startsWith('poison')) return new Response(text, { status: 400 });
        return new Response(`${text} ${random()}`);
      };
      const first = new Map<string, string>();
      for (let retry = 0; ; retry++) {
        faults.push(...Array.from({ length: 6 }, () => [503, 500, 0][Math.floor(random() * 3)]!));
        const given = { ...event(keys), retry, transform: { ...event(keys).transform, retries: 1000 } };
        const both = await Promise.allSettled([run(given, fetch), run(given, fetch)]);
        for (const [key, text] of Object.entries(written())) {
          expect(first.get(key) ?? text).toBe(text);
          first.set(key, text);
        }
        if (both.some(({ status }) => status === 'fulfilled')) break;
        retried++;
      }
      for (const [key, text] of Object.entries(texts)) {
        const [result, failure] = [written()[`results/${key}`], written()[`failures/${key}.json`]];
        if (text === key) expect([result?.split(' ')[0], failure]).toEqual([key, undefined]);
        else expect([result, JSON.parse(failure!).error]).toEqual([undefined, text]);
        objects++;
      }
    }
    console.log(
      `batch transform: ${objects} objects, ${retried} retries, each batch twice at once: 0 lost, 0 answered twice`,
    );
    expect(retried).toBeGreaterThan(runs(60) / 2);
  });
});
