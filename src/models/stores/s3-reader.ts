// S3 for a running function: reading alone, signed by a client of 8 KB, because the SDK costs 70 ms of a cold start.
import { AwsClient } from 'aws4fetch';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { Credentials } from '../../core/contract.ts';
import { GlowplugError } from '../../core/errors.ts';
import { readAll } from '../read-all.ts';
import { objectUrl, refusal, type S3Location, storeName } from './s3-location.ts';
import type { ReadableStore, StoredObject } from './store.ts';

export interface S3ReaderOptions {
  readonly credentials: Credentials;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  /** Longest silence before an answer and between its bytes, in ms. */
  readonly silenceMs?: number;
}

/** A 5xx, a 429 and a broken connection are tried three times in all; whoever reads the body asks again for the rest. */
export function s3Reader(location: S3Location, options: S3ReaderOptions): ReadableStore {
  const { credentials, fetch: send = fetch, clock = systemClock, silenceMs = 10_000 } = options;
  const client = new AwsClient({ ...credentials, region: location.region, service: 's3' });
  const name = storeName(location);

  return {
    name,
    async get(key, { range, ifNoneMatch, signal } = {}) {
      const url = objectUrl(location, key);
      const headers = {
        ...(range ? { range: `bytes=${range[0]}-${range[1]}` } : {}),
        ...(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }),
      };
      for (let attempt = 1; ; attempt++) {
        signal?.throwIfAborted();
        const silence = new Silence(silenceMs, signal);
        try {
          const request = await client.sign(url, { headers });
          const response = await silence.during(send(request, { signal: silence.signal }));
          if (response.status < 500 && response.status !== 429) return await settle(response, silence, key, range);
          await response.body?.cancel();
          if (attempt === attempts) throw refusal(location, key, { status: response.status, code: '' });
        } catch (error) {
          signal?.throwIfAborted();
          if (error instanceof GlowplugError) throw error;
          if (attempt === attempts) throw broken(key, error);
        }
        await clock.sleep(firstPauseMs * 4 ** (attempt - 1), signal);
      }
    },
  };

  async function settle(
    response: Response,
    silence: Silence,
    key: string,
    range: readonly [number, number] | undefined,
  ): Promise<StoredObject | undefined> {
    const { status, headers, body } = response;
    if (status === 304) return { etag: headers.get('etag') ?? '', size: 0, body: new Blob([]).stream() };
    const total = status === 206 ? headers.get('content-range')?.split('/')[1] : headers.get('content-length');
    if (status === (range ? 206 : 200) && body && total) {
      return {
        etag: headers.get('etag') ?? '',
        size: Number(total),
        body: ReadableStream.from(chunks(body, silence, key)),
      };
    }
    const text = body ? new TextDecoder().decode(await silence.during(readAll(body, errorLimit, 'an error'))) : '';
    const code = /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1] ?? '';
    if (status === 404 && code !== 'NoSuchBucket') return undefined;
    throw refusal(location, key, { status, code });
  }

  async function* chunks(body: ReadableStream<Uint8Array>, silence: Silence, key: string): AsyncGenerator<Uint8Array> {
    const reader = body.getReader();
    try {
      for (;;) {
        const { done, value } = await silence.during(reader.read());
        if (done) return;
        yield value;
      }
    } catch (error) {
      silence.caller?.throwIfAborted();
      throw broken(key, error);
    } finally {
      await reader.cancel().catch(() => {});
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
/** Then four times as long: 50 and 200 ms, which a cold start can bear and a moment's overload needs. */
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

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // undici: "fetch failed", and what failed in its cause.
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}
