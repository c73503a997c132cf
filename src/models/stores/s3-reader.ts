// S3 for a running function: reading alone, over node:http, because the SDK costs 70 ms of a cold start and fetch 20.
import { type Clock, systemClock } from '../../core/clock.ts';
import type { Credentials } from '../../core/contract.ts';
import { GlowplugError } from '../../core/errors.ts';
import { readAll } from '../read-all.ts';
import { receiveRange } from './receive-range.ts';
import { objectUrl, refusal, type S3Location, storeName } from './s3-location.ts';
import { type HttpAnswer, type SendGet, sendGet } from './send-get.ts';
import { signS3 } from './sign-s3.ts';
import type { GetOptions, ReadableStore, StoredObject } from './store.ts';

export interface S3ReaderOptions {
  /** Or who is asked for them before each request. */
  readonly credentials: Credentials | (() => Promise<Credentials>);
  readonly send?: SendGet;
  readonly clock?: Clock;
  /** From 0 to 1. */
  readonly random?: () => number;
  /** Longest silence before an answer and between its bytes, in ms. */
  readonly silenceMs?: number;
}

/** A 5xx, a 429 and a broken connection are tried three times in all; whoever reads the body asks again for the rest. */
export function s3Reader(location: S3Location, options: S3ReaderOptions): ReadableStore {
  const { credentials, send = sendGet, clock = systemClock, random = Math.random, silenceMs = 10_000 } = options;
  const name = storeName(location);

  return {
    name,
    async get(key, options = {}) {
      const { range, ifNoneMatch, onSent, signal } = options;
      const url = new URL(objectUrl(location, key));
      const wanted = {
        ...(range ? { range: `bytes=${range[0]}-${range[1]}` } : {}),
        ...(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }),
      };
      for (let attempt = 1; ; attempt++) {
        signal?.throwIfAborted();
        const silence = new Silence(silenceMs, signal);
        try {
          const headers = await signed(url, wanted);
          const sending = send(url, { headers, signal: silence.signal, ...(onSent ? { onSent } : {}) });
          const answer = await silence.during(sending);
          if (answer.status < 500 && answer.status !== 429) return await settle(answer, silence, key, options);
          answer.destroy();
          if (attempt === attempts) throw refusal(location, key, { status: answer.status, code: '' });
        } catch (error) {
          signal?.throwIfAborted();
          if (error instanceof GlowplugError) throw error;
          if (attempt === attempts) throw broken(key, error);
        }
        // Half of it is drawn, so that those whom one overload turned away do not come back together.
        await clock.sleep(firstPauseMs * 4 ** (attempt - 1) * (0.5 + random() / 2), signal);
      }
    },
    async receive(key, options) {
      const url = new URL(objectUrl(location, key));
      const [first, last] = options.range;
      const headers = await signed(url, { range: `bytes=${first}-${last}` });
      return await receiveRange({ ...options, url, headers, silenceMs, broken: (cause) => broken(key, cause) });
    },
  };

  async function signed(url: URL, headers: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    const theirs = typeof credentials === 'function' ? await credentials() : credentials;
    return signS3({ method: 'GET', url, headers }, { region: location.region, credentials: theirs }, new Date());
  }

  async function settle(
    answer: HttpAnswer,
    silence: Silence,
    key: string,
    { range, ifNoneMatch }: GetOptions,
  ): Promise<StoredObject | undefined> {
    const { status, headers } = answer;
    if (status === 304) {
      for await (const _ of chunks(answer, silence, key));
      // Some servers leave out what S3 tells: it is the one that was asked with.
      return { etag: text(headers['etag']) || (ifNoneMatch ?? ''), size: 0, body: ReadableStream.from([]) };
    }
    const total = status === 206 ? text(headers['content-range']).split('/')[1] : text(headers['content-length']);
    if (status === (range ? 206 : 200) && total) {
      return {
        etag: text(headers['etag']),
        size: Number(total),
        body: ReadableStream.from(chunks(answer, silence, key)),
      };
    }
    const body = ReadableStream.from(answer.body);
    const said = new TextDecoder().decode(await silence.during(readAll(body, errorLimit, 'an error')));
    const code = /<Code>(\w{1,64})<\/Code>/.exec(said)?.[1] ?? '';
    if (status === 404 && code !== 'NoSuchBucket') return undefined;
    throw refusal(location, key, { status, code });
  }

  async function* chunks(answer: HttpAnswer, silence: Silence, key: string): AsyncGenerator<Uint8Array> {
    const body = answer.body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await silence.during(body.next());
        if (done) return;
        yield value;
      }
    } catch (error) {
      silence.caller?.throwIfAborted();
      throw broken(key, error);
    } finally {
      answer.destroy();
    }
  }

  function broken(key: string, cause: unknown): GlowplugError {
    return new GlowplugError(
      'STORE_UNAVAILABLE',
      `expected ${key} of ${name}, the connection failed: ${reason(cause)}`,
      {
        cause,
      },
    );
  }
}

const attempts = 3;
/** At most; then four times as long: 50 and 200 ms, which a cold start can bear and a moment's overload needs. */
const firstPauseMs = 50;
const errorLimit = 64 * 1024;

/** Ends a request whose other side says nothing. A slow reader is not silence: only waiting counts. */
class Silence {
  readonly caller: AbortSignal | undefined;
  readonly signal: AbortSignal;
  readonly #ms: number;
  readonly #ended = new AbortController();

  constructor(ms: number, caller: AbortSignal | undefined) {
    this.#ms = ms;
    this.caller = caller;
    this.signal = caller ? AbortSignal.any([caller, this.#ended.signal]) : this.#ended.signal;
  }

  async during<T>(waiting: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#ended.abort(new Error(`nothing came for ${this.#ms} ms`)), this.#ms);
    try {
      return await waiting;
    } finally {
      clearTimeout(timer);
    }
  }
}

function text(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header : (header?.join(',') ?? '');
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Several addresses of one host that all refuse: each in `errors`, the message empty.
  return error.message || ('code' in error ? String(error.code) : error.name);
}
