// Where answers that nobody waits for are written: an object each in S3, created once. Who comes second reads the first.
import { AwsClient } from 'aws4fetch';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Contract, Credentials } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { objectUrl, parseS3Url, refusal, type S3Location, storeName } from '../models/stores/s3-location.ts';

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
  /** undefined when there is none, or when the bucket may not say that there is none. */
  get(key: string, signal?: AbortSignal): Promise<Result | undefined>;
  /** `s3://bucket/prefix/key`. */
  location(key: string): string;
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
  options: { readonly credentials: Credentials; readonly fetch?: typeof fetch; readonly clock?: Clock },
): Results {
  const { credentials, fetch: send = fetch, clock = systemClock } = options;
  const client = new AwsClient({ ...credentials, region: location.region, service: 's3' });

  /** Conflicts with whoever writes at this moment, overload and broken connections pass: four times in all. */
  async function ask(key: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      try {
        const request = await client.sign(objectUrl(location, key), init);
        const response = await send(request, signal ? { signal } : {});
        if ((response.status < 500 && response.status !== 429 && response.status !== 409) || attempt === attempts) {
          return response;
        }
        await response.body?.cancel();
      } catch (cause) {
        signal?.throwIfAborted();
        if (attempt === attempts) {
          const message = `expected ${storeName(location)} to answer for ${key}, the connection failed`;
          throw new GlowplugError('STORE_UNAVAILABLE', message, { cause });
        }
      }
      await clock.sleep(firstPauseMs * 4 ** (attempt - 1), signal);
    }
  }

  async function get(key: string, signal?: AbortSignal): Promise<Result | undefined> {
    const response = await ask(key, { method: 'GET' }, signal);
    const body = new Uint8Array(await response.arrayBuffer());
    if (response.ok)
      return { status: Number(response.headers.get(statusHeader)), headers: kept(response.headers), body };
    if (response.status === 404 || response.status === 403) return undefined;
    throw refused(key, response.status, Buffer.from(body).toString());
  }

  return {
    get,
    location: (key) => `${storeName(location)}/${key}`,
    async putOnce(key, result, signal) {
      const headers = { ...stored(result), 'if-none-match': '*' };
      const response = await ask(key, { method: 'PUT', headers, body: result.body }, signal);
      const text = await response.text();
      if (response.ok) return result;
      const first = response.status === 412 ? await get(key, signal) : undefined;
      if (first) return first;
      throw refused(key, response.status, text);
    },
  };

  function refused(key: string, status: number, text: string): GlowplugError {
    return refusal(location, key, { status, code: /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1] ?? '' });
  }
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
} as const;

function stored({ status, headers }: Result): Record<string, string> {
  const entries = Object.entries(names).flatMap(([name, as]) => (headers[name] ? [[as, headers[name]]] : []));
  return { ...Object.fromEntries(entries), [statusHeader]: `${status}` };
}

function kept(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, as]) => {
      const value = headers.get(as);
      return value === null ? [] : [[name, value]];
    }),
  );
}

export async function toResult(response: Response): Promise<Result> {
  const headers = Object.keys(names).flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const body = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers: Object.fromEntries(headers), body };
}
