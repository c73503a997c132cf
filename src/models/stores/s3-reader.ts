// S3 for a running function: reading alone, by itself, because the SDK costs 70 ms of a cold start and fetch 20.
import { type Clock, systemClock } from '../../core/clock.ts';
import type { Credentials } from '../../core/contract.ts';
import { receiveRange } from './receive-range.ts';
import type { Reading } from './s3-get.ts';
import { brokenConnection, objectUrl, type S3Location, storeName } from './s3-location.ts';
import type { SendGet } from './send-get.ts';
import { signS3 } from './sign-s3.ts';
import type { ReadableStore } from './store.ts';

export interface S3ReaderOptions {
  /** Or who is asked for them before each request. */
  readonly credentials: Credentials | (() => Promise<Credentials>);
  /** @default by node:http */
  readonly send?: SendGet;
  readonly clock?: Clock;
  /** From 0 to 1. */
  readonly random?: () => number;
  /** Longest silence before an answer and between its bytes, in ms. */
  readonly silenceMs?: number;
}

export function s3Reader(location: S3Location, options: S3ReaderOptions): ReadableStore {
  const { credentials, send, clock = systemClock, random = Math.random, silenceMs = 10_000 } = options;
  const name = storeName(location);
  const signed = async (url: URL, headers: Readonly<Record<string, string>>) => {
    const theirs = typeof credentials === 'function' ? await credentials() : credentials;
    return signS3({ method: 'GET', url, headers }, { region: location.region, credentials: theirs }, new Date());
  };
  const reading: Reading = { location, signed, send, clock, random, silenceMs };
  return {
    name,
    async get(key, options = {}) {
      // A start that goes as it should receives ranges alone.
      const { getFromS3 } = await import('./s3-get.ts');
      return await getFromS3(reading, key, options);
    },
    async receive(key, options) {
      const url = new URL(objectUrl(location, key));
      const [first, last] = options.range;
      const headers = () => signed(url, { range: `bytes=${first}-${last}` });
      const broken = (cause: unknown) => brokenConnection(name, key, cause);
      return await receiveRange({ ...options, url, headers, silenceMs, broken });
    },
  };
}
