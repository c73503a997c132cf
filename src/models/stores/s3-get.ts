// A GET of S3 over node:http: any range, any answer, and again where that may help.
import type { Clock } from '../../core/clock.ts';
import { GlowplugError } from '../../core/errors.ts';
import { readAll } from '../read-all.ts';
import { brokenConnection, objectUrl, type S3Location, storeName } from './s3-location.ts';
import { refusal } from './s3-refusal.ts';
import { type HttpAnswer, type SendGet, sendGet } from './send-get.ts';
import type { Body, GetOptions, StoredObject } from './store.ts';

/** Who reads, and how patiently. */
export interface Reading {
  readonly location: S3Location;
  signed(url: URL, headers: Readonly<Record<string, string>>): Promise<Record<string, string>>;
  readonly send: SendGet | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly silenceMs: number;
}

/** A 5xx, a 429 and a broken connection are tried three times in all; whoever reads the body asks again for the rest. */
export async function getFromS3(
  { location, signed, send = sendGet, clock, random, silenceMs }: Reading,
  key: string,
  options: GetOptions,
): Promise<StoredObject | undefined> {
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
      if (answer.status < 500 && answer.status !== 429) return await settle(location, answer, silence, key, options);
      answer.destroy();
      if (attempt === attempts) throw refusal(location, key, { status: answer.status, code: '' });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof GlowplugError) throw error;
      if (attempt === attempts) throw brokenConnection(storeName(location), key, error);
    }
    // Half of it is drawn, so that those whom one overload turned away do not come back together.
    await clock.sleep(firstPauseMs * 4 ** (attempt - 1) * (0.5 + random() / 2), signal);
  }
}

async function settle(
  location: S3Location,
  answer: HttpAnswer,
  silence: Silence,
  key: string,
  { range, ifNoneMatch }: GetOptions,
): Promise<StoredObject | undefined> {
  const { status, headers } = answer;
  if (status === 304) {
    for await (const _ of chunks(answer, silence, key, storeName(location)));
    // Some servers leave out what S3 tells: it is the one that was asked with.
    return {
      etag: text(headers['etag']) || (ifNoneMatch ?? ''),
      size: 0,
      body: bodyOf(answer, silence, key, storeName(location)),
    };
  }
  const total = status === 206 ? text(headers['content-range']).split('/')[1] : text(headers['content-length']);
  if (status === (range ? 206 : 200) && total) {
    return {
      etag: text(headers['etag']),
      size: Number(total),
      body: bodyOf(answer, silence, key, storeName(location)),
    };
  }
  const said = new TextDecoder().decode(await silence.during(readAll(answer.body, errorLimit, 'an error')));
  const code = /<Code>(\w{1,64})<\/Code>/.exec(said)?.[1] ?? '';
  if (status === 404 && code !== 'NoSuchBucket') return undefined;
  throw refusal(location, key, { status, code });
}

function bodyOf(answer: HttpAnswer, silence: Silence, key: string, name: string): Body {
  return { [Symbol.asyncIterator]: () => chunks(answer, silence, key, name), cancel: async () => answer.destroy() };
}

async function* chunks(answer: HttpAnswer, silence: Silence, key: string, name: string): AsyncGenerator<Uint8Array> {
  const body = answer.body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await silence.during(body.next());
      if (done) return;
      yield value;
    }
  } catch (error) {
    silence.caller?.throwIfAborted();
    throw brokenConnection(name, key, error);
  } finally {
    answer.destroy();
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
