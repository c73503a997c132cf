// Where answers that nobody waits for are written: an object each in S3, created once. Who comes second reads the first.
import { type Clock, systemClock } from '../core/clock.ts';
import type { Contract, Credentials } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import type { HttpResponse } from '../core/light-http.ts';
import { objectUrl, parseS3Url, type S3Location, storeName } from '../models/stores/s3-location.ts';
import { refusal } from '../models/stores/s3-refusal.ts';
import { httpSend, type S3Answer, type S3Request, type Send, signer } from './send.ts';

export interface Result {
  readonly status: number;
  /** Of the answer: content-type, content-encoding, and which version of each model ran. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface Results {
  /**
   * The result under this key: the given one, or the one that was written first.
   *
   * @throws GlowplugError STORE_UNAVAILABLE, STORE_FORBIDDEN, CONFIG_INVALID
   */
  putOnce(key: string, result: Result, signal?: AbortSignal): Promise<Result>;
  /**
   * undefined when there is none, or when the bucket may not say that there is none.
   *
   * @throws GlowplugError INPUT_TOO_LARGE before a byte over `maxBytes` is kept
   */
  get(key: string, signal?: AbortSignal, maxBytes?: number): Promise<Result | undefined>;
  /** `s3://bucket/prefix/key`. */
  location(key: string): string;
  /** A URL that reads it for so many seconds, without other credentials. */
  link(key: string, seconds: number): Promise<string>;
  /** A URL that takes exactly these bytes of this type, once, for so many seconds; the headers go with the PUT. */
  putLink(key: string, what: Declared, seconds: number): Promise<{ url: string; headers: Record<string, string> }>;
}

export interface Declared {
  readonly bytes: number;
  readonly contentType: string;
}

/** @throws GlowplugError CONFIG_INVALID where the environment names no place for results */
export function openResults(contract: Pick<Contract, 'results' | 'region' | 's3Endpoint' | 'credentials'>): Results {
  const place = contract.results === undefined ? undefined : parseS3Url(contract.results, 'GLOWPLUG_RESULTS');
  if (!place || !contract.credentials) {
    const missing = place ? 'AWS credentials to write results with' : 'GLOWPLUG_RESULTS, where results are written';
    throw new GlowplugError('CONFIG_INVALID', `expected ${missing}; found none`, {
      remedy: 'Give InferenceFunction a queue, or set GLOWPLUG_RESULTS to s3://bucket/prefix.',
    });
  }
  const { region, s3Endpoint: endpoint, credentials } = contract;
  return s3Results({ ...place, region, endpoint }, { credentials });
}

export function s3Results(
  location: S3Location,
  options: {
    readonly credentials: Credentials;
    readonly send?: Send;
    readonly clock?: Clock;
    readonly now?: () => Date;
  },
): Results {
  const { credentials, send = httpSend(), clock = systemClock, now = () => new Date() } = options;
  const sign = signer(credentials, location.region, now);

  /** Overload, broken connections and whoever writes the same key at this moment pass: four times in all. */
  async function ask(key: string, request: Omit<S3Request, 'url'>, signal?: AbortSignal): Promise<S3Answer> {
    const url = new URL(objectUrl(location, key));
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      try {
        const answer = await send(sign({ ...request, url }), signal);
        const passes = answer.status >= 500 || answer.status === 429 || answer.status === 409;
        if (!passes || attempt === attempts) return answer;
      } catch (cause) {
        signal?.throwIfAborted();
        if (cause instanceof GlowplugError) throw cause;
        if (attempt === attempts) {
          const message = `expected ${storeName(location)} to answer for ${key}, the connection failed`;
          throw new GlowplugError('STORE_UNAVAILABLE', message, { cause });
        }
      }
      await clock.sleep(firstPauseMs * 4 ** (attempt - 1), signal);
    }
  }

  async function get(key: string, signal?: AbortSignal, maxBytes = Infinity): Promise<Result | undefined> {
    const answer = await ask(key, { method: 'GET', headers: {}, maxBytes }, signal);
    const { status, headers, body } = answer;
    if (status === 200) return { status: Number(headers[statusHeader]), headers: kept(headers), body };
    if (status === 404 || status === 403) return undefined;
    throw refused(key, answer);
  }

  async function presigned(method: string, key: string, headers: Record<string, string>, seconds: number) {
    const { AwsClient } = await import('aws4fetch');
    const client = new AwsClient({ ...credentials, region: location.region, service: 's3' });
    const url = `${objectUrl(location, key)}?X-Amz-Expires=${seconds}`;
    return (await client.sign(url, { method, headers, aws: { signQuery: true, allHeaders: true } })).url;
  }

  function refused(key: string, { status, body }: S3Answer): GlowplugError {
    const text = Buffer.from(body).toString('utf8', 0, 4096);
    return refusal(location, key, { status, code: /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1] ?? '' });
  }

  return {
    get,
    location: (key) => `${storeName(location)}/${key}`,
    link: (key, seconds) => presigned('GET', key, {}, seconds),
    async putLink(key, { bytes, contentType }, seconds) {
      // All three are signed: S3 refuses another length or type, and a second PUT.
      const headers = { 'content-length': `${bytes}`, 'content-type': contentType, 'if-none-match': '*' };
      return { url: await presigned('PUT', key, headers, seconds), headers };
    },
    async putOnce(key, result, signal) {
      const headers = { ...stored(result), 'if-none-match': '*' };
      const answer = await ask(key, { method: 'PUT', headers, body: result.body }, signal);
      if (answer.status === 200) return result;
      const first = answer.status === 412 ? await get(key, signal) : undefined;
      if (first) return first;
      throw refused(key, answer);
    },
  };
}

const attempts = 4;
/** Then four times as long: 50, 200 and 800 ms. */
const firstPauseMs = 50;
const statusHeader = 'x-amz-meta-status';
/** Header of the answer → of the object. */
const names = {
  'content-type': 'content-type',
  'content-encoding': 'content-encoding',
  'x-glowplug-model': 'x-amz-meta-model',
  // Without it nobody can tell where a tensor answer's bytes begin.
  'inference-header-content-length': 'x-amz-meta-inference-header-content-length',
} as const;

function stored({ status, headers }: Result): Record<string, string> {
  const entries = Object.entries(names).flatMap(([name, as]) => (headers[name] ? [[as, headers[name]]] : []));
  return { ...Object.fromEntries(entries), [statusHeader]: `${status}` };
}

function kept(headers: S3Answer['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, as]) => (headers[as] === undefined ? [] : [[name, `${headers[as]}`]])),
  );
}

export async function toResult(response: HttpResponse): Promise<Result> {
  const headers = Object.keys(names).flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const body = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers: Object.fromEntries(headers), body };
}
