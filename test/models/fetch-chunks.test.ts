// Ranges that arrive in any order, stall, break, lie and come too late.
import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { GlowplugError } from '../../src/core/errors.ts';
import { chunksOf, isChunks, parseChunks } from '../../src/models/chunks.ts';
import { fetchChunks, type OpenRange } from '../../src/models/fetch-chunks.ts';
import { handClock } from '../hand-clock.ts';
import { long } from '../runs.ts';
import { temporaryFolder } from './temporary.ts';

const MiB = 1024 * 1024;
/** Five connections, ten chunks, the last one short. */
const bytes = Buffer.alloc(9.5 * MiB);
for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE((at * 2654435761) >>> 0, at);
const digests = Array.from({ length: 10 }, (_, index) =>
  createHash('sha256')
    .update(bytes.subarray(index * MiB, (index + 1) * MiB))
    .digest(),
);
const text = `sha256/${MiB}:${Buffer.concat(digests).toString('base64')}`;

describe('chunk digests', () => {
  it('are one text, and only of a file of that size', () => {
    const made = chunksOf(bytes);
    expect(parseChunks(made, bytes.length)?.count).toBe(5);
    expect(made).toMatch(/^sha256\/2097152:[A-Za-z0-9+/]+={0,2}$/);
    expect(isChunks(text, bytes.length)).toBe(true);
    for (const size of [0, bytes.length - MiB, bytes.length + MiB, -1]) expect(isChunks(text, size)).toBe(false);
    for (const other of ['', 'sha256/0:AA', text.slice(0, -5), text.replace('sha256', 'md5'), 7]) {
      expect(isChunks(other, bytes.length)).toBe(false);
    }
  });
});

describe('fetchChunks', () => {
  it('asks for all of it at once, and writes every byte at its place', async () => {
    const { file, asked } = await fetched(async (range) => pieces(range));
    expect(Buffer.compare(file, bytes)).toBe(0);
    expect(asked.length).toBeGreaterThan(1);
    expect(asked.map(([first, last]) => last - first + 1).reduce((sum, one) => sum + one)).toBe(bytes.length);
  });

  it('goes on where a connection broke, and gives up when nothing comes three times', async () => {
    const seen = new Set<number>();
    const { file, asked } = await fetched(async (range) => {
      if (seen.has(range[0])) return pieces(range);
      seen.add(range[0]);
      return pieces(range, { breakAfter: 100_000 });
    });
    expect(Buffer.compare(file, bytes)).toBe(0);
    expect(asked.some(([first]) => first % MiB === 100_000)).toBe(true);
    await expect(fetched(async () => Promise.reject(broken()))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(fetched(async () => empty())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('finds a wrong byte anywhere, names the chunk, and ends the other ranges', async () => {
    let cases = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (at) => {
        cases++;
        const signals: AbortSignal[] = [];
        const wrong = fetched(async (range, signal) => {
          signals.push(signal);
          return pieces(range, { flip: at });
        });
        const chunk = Math.floor(at / MiB) * MiB;
        await expect(wrong).rejects.toMatchObject({
          code: 'DIGEST_MISMATCH',
          message: expect.stringMatching(
            new RegExp(`tiny with sha256:[0-9a-f]{64} from byte ${chunk} on, got sha256:`),
          ),
        });
        expect(signals.every((signal) => signal.aborted)).toBe(true);
      }),
      { numRuns: long ? 300 : 10 },
    );
    console.log(`wrong bytes found: ${cases}`);
  });

  it('is whole after any mixture of broken and late ranges', async () => {
    let cases = 0;
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat(3 * MiB)), async (lengths) => {
        cases++;
        let opened = 0;
        const { file } = await fetched(async (range) => {
          // Every third range may break, so that none is given up.
          const [length = 0] = lengths.take(1);
          return pieces(range, opened++ % 3 === 0 ? { breakAfter: length + 1 } : {});
        });
        expect(Buffer.compare(file, bytes)).toBe(0);
      }),
      { numRuns: long ? 300 : 10 },
    );
    console.log(`broken downloads mended: ${cases}`);
  });

  it('takes over a range in which nothing comes any more; what it sends later is not written', async () => {
    const clock = handClock();
    const late = Promise.withResolvers<void>();
    const stalled = Promise.withResolvers<void>();
    const opened: (readonly [number, number])[] = [];
    const running = fetched(
      async (range, signal) => {
        opened.push(range);
        if (opened.length > 5) return pieces(range);
        if (opened.length === 1) return stalls(range, late.promise, stalled.resolve);
        return paced(range, clock, signal);
      },
      { clock },
    );
    // The others keep coming while the first stands still.
    await clock.run(() => opened.length > 5);
    expect(opened[5]?.[0]).toBe(opened[0]?.[0]);
    late.resolve();
    let settled = false;
    const done = running.finally(() => {
      settled = true;
    });
    await clock.run(() => settled);
    await stalled.promise;
    expect(Buffer.compare((await done).file, bytes)).toBe(0);
  });

  it('ends at once when the caller leaves, and writes nothing afterwards', async () => {
    const leaver = new AbortController();
    const running = fetched(async (_range, signal) => never(signal), { signal: leaver.signal });
    leaver.abort(new Error('left'));
    await expect(running).rejects.toThrow('left');
  });
});

type Range = readonly [first: number, last: number];
type Opened = (range: Range, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;

async function fetched(open: Opened, options: { signal?: AbortSignal; clock?: Clock } = {}) {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'file');
  const fd = openSync(path, 'wx+');
  const asked: Range[] = [];
  const chunks = parseChunks(text, bytes.length);
  if (!chunks) throw new Error('the chunks are of these bytes');
  try {
    ftruncateSync(fd, bytes.length);
    const counted: OpenRange = async (range, signal, land) => {
      asked.push(range);
      for await (const piece of await open(range, signal)) if (!land(piece)) return;
    };
    const { signal = new AbortController().signal, clock } = options;
    await fetchChunks(fd, { size: bytes.length, chunks, what: 'tiny' }, counted, {
      signal,
      ...(clock ? { clock } : {}),
    });
    return { file: readFileSync(path), asked };
  } finally {
    closeSync(fd);
  }
}

async function* pieces(
  [first, last]: Range,
  { flip, breakAfter }: { flip?: number; breakAfter?: number } = {},
): AsyncGenerator<Uint8Array> {
  for (let at = first; at <= last; at += 300_000) {
    if (breakAfter !== undefined && at - first >= breakAfter) throw broken();
    const end = Math.min(
      last + 1,
      at + 300_000,
      breakAfter === undefined ? Number.POSITIVE_INFINITY : first + breakAfter,
    );
    const piece = Uint8Array.from(bytes.subarray(at, end));
    if (flip !== undefined && flip >= at && flip < end) piece[flip - at]! ^= 1;
    yield piece;
  }
}

/** One piece, and the next one only when `late` says so: wrong bytes, which must not be written. */
async function* stalls([first]: Range, late: Promise<void>, written: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield bytes.subarray(first, first + 1000);
    await late;
    yield new Uint8Array(1000).fill(255);
  } finally {
    written();
  }
}

/** A piece a tick of the clock. */
async function* paced([first, last]: Range, clock: Clock, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = first; at <= last; at += 100_000) {
    yield bytes.subarray(at, Math.min(last + 1, at + 100_000));
    await clock.sleep(20, signal);
  }
}

async function* empty(): AsyncGenerator<Uint8Array> {}

async function* never(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    if (signal.aborted) reject(signal.reason);
  });
}

function broken(): GlowplugError {
  return new GlowplugError('STORE_UNAVAILABLE', 'the connection broke');
}
