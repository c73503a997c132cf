// stream(): what a client reads along, and what it sees when something fails on the way.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { type Context, inference, stream } from '../../src/index.ts';
import { runs } from '../runs.ts';
import { start } from '../server/start-server.ts';

const post = () => new Request('http://localhost/', { method: 'POST', body: '{}' });
const anything = { kind: 'custom' as const, decode: () => ({}) };

/** A function whose predict is this generator. */
function yields<T>(
  predict: () => AsyncGenerator<T>,
  encode: (output: AsyncGenerator<T>, context: Context) => Promise<Response>,
) {
  return inference({ input: anything, predict, encode });
}

async function* values(count: number) {
  for (let at = 0; at < count; at++) yield { at };
}

describe('stream()', () => {
  it('sends each value as one event, one line, or its bytes', async () => {
    const events = await yields(() => values(2), stream('events')).fetch(post());
    expect(events.headers.get('content-type')).toBe('text/event-stream');
    expect(await events.text()).toBe('data: {"at":0}\n\ndata: {"at":1}\n\n');
    const lines = await yields(() => values(2), stream('lines')).fetch(post());
    expect([lines.headers.get('content-type'), await lines.text()]).toEqual([
      'application/x-ndjson',
      '{"at":0}\n{"at":1}\n',
    ]);
    const wav = inference({
      input: anything,
      *predict() {
        yield 'RIFF';
        yield Uint8Array.of(1, 2);
      },
      encode: stream('bytes', { contentType: 'audio/wav' }),
    });
    const bytes = await wav.fetch(post());
    expect([bytes.headers.get('content-type'), await bytes.text()]).toEqual(['audio/wav', 'RIFF\u0001\u0002']);
  });

  it('asks for the next value only when the last one was taken', async () => {
    let made = 0;
    const response = await yields(async function* () {
      for (;;) yield ++made;
    }, stream('lines')).fetch(post());
    const reader = response.body!.getReader();
    for (let taken = 1; taken <= 5; taken++) {
      await reader.read();
      await new Promise(setImmediate);
      expect(made).toBe(taken);
    }
    await reader.cancel();
  });

  it('ends the generator when the client has gone', async () => {
    let ended = 0;
    const response = await yields(async function* () {
      try {
        for (;;) yield 1;
      } finally {
        ended++;
      }
    }, stream('events')).fetch(post());
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    expect(ended).toBe(1);
  });

  it('answers what fails before the first value with the error’s own status', async () => {
    const refuses = yields(async function* () {
      yield* [];
      throw new GlowplugError('INPUT_TENSOR', 'expected [1,4]');
    }, stream('events'));
    const response = await refuses.fetch(post());
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'INPUT_TENSOR' }]);
  });

  it('tells an error on the way as the last event or line, and breaks raw bytes off', async () => {
    const fails = async function* () {
      yield 'whole';
      throw new Error('a secret of the inside');
    };
    const events = await (await yields(fails, stream('events')).fetch(post(), { requestId: 'r-1' })).text();
    const [first, last] = events.split('\n\n');
    expect(first).toBe('data: "whole"');
    expect(last).toMatch(/^event: error\ndata: \{"error":".*","code":"INTERNAL","remedy":".*","requestId":"r-1"\}$/);
    const lines = await (await yields(fails, stream('lines')).fetch(post())).text();
    expect(JSON.parse(lines.split('\n')[1]!)).toMatchObject({ code: 'INTERNAL' });
    expect(events + lines).not.toContain('secret');
    const bytes = await yields(fails, stream('bytes')).fetch(post());
    await expect(bytes.text()).rejects.toThrow();
  });

  it('says so in the stream when the deadline comes, though the generator never goes on', async () => {
    const deadline = new AbortController();
    const hangs = yields(async function* () {
      yield 1;
      await new Promise(() => {});
    }, stream('lines'));
    const response = await hangs.fetch(post(), { signal: deadline.signal });
    const reader = response.body!.getReader();
    await reader.read();
    const last = reader.read();
    deadline.abort();
    expect(JSON.parse(Buffer.from((await last).value!).toString())).toMatchObject({ code: 'DEADLINE' });
    expect((await reader.read()).done).toBe(true);
  });

  it('refuses a predict that yields nothing that can be streamed', async () => {
    const wrong = inference({ input: anything, predict: () => 7, encode: stream('events') as never });
    expect(await (await wrong.fetch(post())).json()).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('carries any JSON whole, in order, whatever its text', async () => {
    let cases = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { minLength: 1 }), async (all) => {
        cases++;
        const sent = async function* () {
          yield* all;
        };
        const lines = await (await yields(sent, stream('lines')).fetch(post())).text();
        const events = await (await yields(sent, stream('events')).fetch(post())).text();
        const expected = all.map((each) => JSON.stringify(each));
        expect(lines.split('\n').slice(0, -1)).toEqual(expected);
        expect(events.split('\n\n').slice(0, -1)).toEqual(expected.map((each) => `data: ${each}`));
      }),
      { numRuns: runs(100) },
    );
    console.log(`streams: ${cases} random lists of JSON values`);
  });
});

describe('stream() on glowplug serve', () => {
  it('reaches the client part by part, and a client that goes ends the generator', async () => {
    const gone = Promise.withResolvers<string>();
    const gate = Promise.withResolvers<void>();
    const endless = yields(async function* () {
      try {
        yield 'first';
        await gate.promise;
        for (;;) yield 'more';
      } finally {
        gone.resolve('ended');
      }
    }, stream('events'));
    const { url } = await start(async (request, given) => await endless.fetch(request, given));
    const leaving = new AbortController();
    const response = await fetch(url, { method: 'POST', body: '{}', signal: leaving.signal });
    const reader = response.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('data: "first"\n\n');
    gate.resolve();
    await reader.read();
    leaving.abort();
    expect(await gone.promise).toBe('ended');
  });
});
