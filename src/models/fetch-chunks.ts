// A large file in several ranges at once: each chunk is written at its place and verified as it lands. A range that falls
// behind is shared or taken over by another connection, and who lost it can write no more.
import { createHash, type Hash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { type Clock, systemClock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import { type Chunks, mostConnections, rangesOf } from './chunks.ts';
import type { Range } from './stores/store.ts';
import { untimed, type Verifying } from './verified-file.ts';

export interface ChunkedFile {
  /** Bytes. */
  readonly size: number;
  readonly chunks: Chunks;
  /** What it is, for messages. */
  readonly what: string;
}

/** Hands over the bytes of a range as they come: each piece is good until `land` returns, which says whether more are wanted. */
export type OpenRange = (range: Range, signal: AbortSignal, land: (bytes: Uint8Array) => boolean) => Promise<void>;

export interface FetchChunksOptions {
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly verifying?: Verifying;
}

/**
 * Resolves when every byte of the file behind `fd` has the digest that was published.
 *
 * @throws GlowplugError DIGEST_MISMATCH, STORE_UNAVAILABLE; what `open` throws; a failed write as it is
 */
export async function fetchChunks(
  fd: number,
  file: ChunkedFile,
  open: OpenRange,
  { signal, clock = systemClock, verifying = untimed }: FetchChunksOptions,
): Promise<void> {
  const download = new Download(fd, file, open, clock, signal, verifying);
  await download.run();
}

/** A range that breaks goes on where it was; without a byte in between it is given up at the third time. */
const breaks = 3;
/** How often is looked whether one stands still, and how long the least patience with it is. */
const lookMs = 50;
const patienceMs = 250;

class Download {
  readonly #fd: number;
  readonly #file: ChunkedFile;
  readonly #open: OpenRange;
  readonly #clock: Clock;
  readonly #verifying: Verifying;
  readonly #signal: AbortSignal;
  readonly #ended = new AbortController();
  readonly #spans = new Set<Span>();
  readonly #running = new Set<Promise<void>>();
  /** The first range that failed fails the file. */
  readonly #failed = Promise.withResolvers<never>();
  #verified = 0;
  #takeovers = 0;
  /** Of the fastest range so far. */
  #firstByteMs = Number.POSITIVE_INFINITY;

  constructor(fd: number, file: ChunkedFile, open: OpenRange, clock: Clock, signal: AbortSignal, verifying: Verifying) {
    this.#fd = fd;
    this.#file = file;
    this.#open = open;
    this.#clock = clock;
    this.#verifying = verifying;
    this.#signal = AbortSignal.any([signal, this.#ended.signal]);
    this.#failed.promise.catch(() => {});
  }

  async run(): Promise<void> {
    const { size, chunks } = this.#file;
    for (const [first, last] of rangesOf(chunks, size)) this.#start(first, last + 1);
    const watching = this.#watch();
    try {
      await Promise.race([this.#failed.promise, this.#allRanges()]);
      if (this.#verified !== chunks.count) throw this.#unavailable(undefined);
    } catch (error) {
      this.#ended.abort(error);
      throw error;
    } finally {
      this.#ended.abort();
      // Nothing writes any more when the caller hears of the end.
      await Promise.allSettled([...this.#running, watching]);
    }
  }

  /** Each range that is done may have begun another. */
  async #allRanges(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #start(at: number, end: number): void {
    const span = new Span(at, end, this.#clock.now(), this.#signal);
    this.#spans.add(span);
    const running = this.#fill(span)
      .catch((error: unknown) => this.#failed.reject(error))
      .finally(() => {
        this.#spans.delete(span);
        this.#running.delete(running);
        if (!this.#signal.aborted) this.#helpSlowest();
      });
    this.#running.add(running);
  }

  async #fill(span: Span): Promise<void> {
    // Of no bytes.
    if (span.isOver) return this.#verify(span, 0);
    for (let broken = 0; ; ) {
      const before = span.at;
      let cause: unknown;
      try {
        await this.#open([span.at, span.end - 1], span.signal, (bytes) => {
          this.#land(span, bytes);
          return !span.isOver;
        });
        if (span.isOver) return;
      } catch (error) {
        if (span.isLost) return;
        // The chunk that ends a range may be the wrong one.
        if (!(error instanceof GlowplugError) || error.code !== 'STORE_UNAVAILABLE') throw error;
        if (span.isOver) return;
        cause = error;
      }
      broken = span.at > before ? 1 : broken + 1;
      if (broken === breaks) throw this.#unavailable(cause);
    }
  }

  /** Without an await between the question whose the place is and the write. */
  #land(span: Span, bytes: Uint8Array): void {
    const { size, chunks } = this.#file;
    const now = this.#clock.now();
    if (span.received === 0) this.#firstByteMs = Math.min(this.#firstByteMs, now - span.started);
    span.lastByte = now;
    for (let from = 0; from < bytes.length && !span.isOver; ) {
      const index = Math.floor(span.at / chunks.bytes);
      const chunkEnd = Math.min(size, (index + 1) * chunks.bytes);
      const piece = bytes.subarray(from, from + chunkEnd - span.at);
      this.#verifying(() => span.hash.update(piece));
      for (let written = 0; written < piece.length; ) {
        written += writeSync(this.#fd, piece, written, piece.length - written, span.at + written);
      }
      from += piece.length;
      span.at += piece.length;
      span.received += piece.length;
      if (span.at === chunkEnd) this.#verify(span, index);
    }
  }

  #verify(span: Span, index: number): void {
    const got = span.hash.digest();
    span.hash = createHash('sha256');
    const wanted = this.#file.chunks.digest(index);
    if (!got.equals(wanted)) {
      const { bytes, count } = this.#file.chunks;
      const where = count === 1 ? '' : ` from byte ${index * bytes} on`;
      const hex = (digest: Uint8Array) => `sha256:${Buffer.from(digest).toString('hex')}`;
      throw new GlowplugError(
        'DIGEST_MISMATCH',
        `expected ${this.#file.what} with ${hex(wanted)}${where}, got ${hex(got)}`,
      );
    }
    this.#verified++;
  }

  /** A connection is free: it takes half of what the slowest has before it, or all of it where that one falls behind. */
  #helpSlowest(): void {
    const now = this.#clock.now();
    const rates = [...this.#spans].map((span) => span.rate(now)).sort((a, b) => a - b);
    const usual = rates[Math.floor(rates.length / 2)] ?? 0;
    const [slowest] = [...this.#spans].sort((a, b) => b.leftMs(now) - a.leftMs(now));
    // A new request pays only when it has as much time again after its first byte.
    if (!slowest || slowest.leftMs(now) < 2 * this.#firstByteMs + lookMs) return;
    const { bytes } = this.#file.chunks;
    const middle = Math.ceil((slowest.at + slowest.end) / 2 / bytes) * bytes;
    if (middle < slowest.end) {
      const { end } = slowest;
      slowest.end = middle;
      this.#start(middle, end);
    } else if (slowest.rate(now) < usual / 4) this.#takeOver(slowest);
  }

  /** Looks for ranges in which nothing comes while something comes in others. */
  async #watch(): Promise<void> {
    while (!this.#signal.aborted) {
      await this.#clock.sleep(lookMs, this.#signal).catch(() => {});
      const now = this.#clock.now();
      const patience = Math.max(patienceMs, 3 * this.#firstByteMs);
      const newest = Math.max(...[...this.#spans].map((span) => span.lastByte));
      for (const span of this.#spans) {
        if (now - span.lastByte > patience && newest - span.lastByte > patience) this.#takeOver(span);
      }
    }
  }

  /** Another connection begins the chunk anew that this one was in. */
  #takeOver(span: Span): void {
    if (this.#takeovers === mostConnections) return;
    this.#takeovers++;
    const { bytes } = this.#file.chunks;
    span.lose();
    this.#spans.delete(span);
    this.#start(Math.floor(span.at / bytes) * bytes, span.end);
  }

  #unavailable(cause: unknown): GlowplugError {
    const { what, size } = this.#file;
    return new GlowplugError('STORE_UNAVAILABLE', `expected ${size} bytes of ${what}, the store ended before them`, {
      cause,
    });
  }
}

/** What one connection has before it: from `at` to `end`, which lies between two chunks. */
class Span {
  at: number;
  end: number;
  received = 0;
  lastByte: number;
  hash: Hash = createHash('sha256');
  readonly started: number;
  readonly signal: AbortSignal;
  readonly #lost = new AbortController();

  constructor(at: number, end: number, now: number, signal: AbortSignal) {
    this.at = at;
    this.end = end;
    this.started = now;
    this.lastByte = now;
    this.signal = AbortSignal.any([signal, this.#lost.signal]);
  }

  get isOver(): boolean {
    return this.at >= this.end || this.isLost;
  }

  get isLost(): boolean {
    return this.#lost.signal.aborted;
  }

  lose(): void {
    this.#lost.abort(new Error('another connection took over'));
  }

  /** Bytes a millisecond. */
  rate(now: number): number {
    return this.received / Math.max(1, now - this.started);
  }

  leftMs(now: number): number {
    return (this.end - this.at) / Math.max(1, this.rate(now));
  }
}
