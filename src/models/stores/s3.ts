// S3 through the AWS SDK: what publishes, moves tags and lists. A running function reads through s3-reader.ts instead.

import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { Credentials } from '../../core/contract.ts';
import { GlowplugError } from '../../core/errors.ts';
import { objectKey, refusal, type S3Location, storeName } from './s3-location.ts';
import type { PutCondition, Store } from './store.ts';

export interface S3StoreOptions {
  readonly credentials?: Credentials;
  readonly client?: S3Client;
  readonly clock?: Clock;
}

export async function s3Store(location: S3Location, options: S3StoreOptions = {}): Promise<Store> {
  const sdk = await import('@aws-sdk/client-s3');
  const { bucket, region, endpoint } = location;
  const { credentials, clock = systemClock } = options;
  const client =
    options.client ??
    new sdk.S3Client({
      region,
      ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
      ...(credentials ? { credentials } : {}),
    });
  const at = (key: string) => ({ Bucket: bucket, Key: objectKey(location, key) });
  const within = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});

  return {
    name: storeName(location),

    async get(key, { range, ifNoneMatch, signal } = {}) {
      try {
        const command = new sdk.GetObjectCommand({
          ...at(key),
          ...(range ? { Range: `bytes=${range[0]}-${range[1]}` } : {}),
          ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
        });
        const answer = await client.send(command, within(signal));
        const total = range ? answer.ContentRange?.split('/')[1] : answer.ContentLength;
        if (!answer.Body || total === undefined) throw refusal(location, key, { status: 200, code: 'without a body' });
        return { etag: answer.ETag ?? '', size: Number(total), body: answer.Body.transformToWebStream() };
      } catch (error) {
        if (ifNoneMatch !== undefined && answerOf(error).status === 304) {
          return { etag: ifNoneMatch, size: 0, body: new Blob([]).stream() };
        }
        return absentOr(error, key, signal);
      }
    },

    async head(key, { signal } = {}) {
      try {
        const { ETag, ContentLength } = await client.send(new sdk.HeadObjectCommand(at(key)), within(signal));
        return { etag: ETag ?? '', size: ContentLength ?? 0 };
      } catch (error) {
        return absentOr(error, key, signal);
      }
    },

    async put(key, body, condition, { signal } = {}) {
      const command = new sdk.PutObjectCommand({
        ...at(key),
        Body: body,
        // S3 refuses bytes that changed on their way.
        ChecksumSHA256: createHash('sha256').update(body).digest('base64'),
        ...headersOf(condition),
      });
      for (let attempt = 1; ; attempt++) {
        try {
          const { ETag } = await client.send(command, within(signal));
          return { etag: ETag ?? '' };
        } catch (error) {
          const { status, code } = answerOf(error);
          // 409: another write of this key is under way. Whether it succeeds is seen by asking again.
          if (status === 409 && attempt < putAttempts) {
            await clock.sleep(attempt * putPauseMs, signal);
            continue;
          }
          if (status === 409 || status === 412 || (status === 404 && code !== 'NoSuchBucket')) {
            throw new GlowplugError(
              'STORE_CONFLICT',
              `expected ${key} to be ${stateOf(condition)}, somebody wrote first`,
              {
                cause: error,
              },
            );
          }
          throw failed(error, key, signal);
        }
      }
    },

    async *list(prefix) {
      const pages = sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: objectKey(location, prefix) });
      const cut = objectKey(location, '').length;
      try {
        for await (const { Contents } of pages) {
          for (const { Key } of Contents ?? []) if (Key !== undefined) yield Key.slice(cut);
        }
      } catch (error) {
        throw failed(error, prefix, undefined);
      }
    },
  };

  function absentOr(error: unknown, key: string, signal: AbortSignal | undefined): undefined {
    const { status, code } = answerOf(error);
    if (status === 404 && code !== 'NoSuchBucket') return undefined;
    throw failed(error, key, signal);
  }

  function failed(error: unknown, key: string, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    if (error instanceof GlowplugError) return error;
    const { status, code } = answerOf(error);
    if (status !== undefined) return refusal(location, key, { status, code }, error);
    if (code === 'CredentialsProviderError') {
      return new GlowplugError('STORE_FORBIDDEN', `expected credentials for ${storeName(location)}, found none`, {
        cause: error,
        remedy: 'Sign in (aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      });
    }
    return new GlowplugError('STORE_UNAVAILABLE', `expected ${storeName(location)} to answer for ${key}: ${code}`, {
      cause: error,
    });
  }
}

const putAttempts = 5;
const putPauseMs = 50;

function headersOf(condition: PutCondition): { IfNoneMatch: string } | { IfMatch: string } {
  return 'ifMatch' in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: condition.ifNoneMatch };
}

function stateOf(condition: PutCondition): string {
  return 'ifMatch' in condition ? `still ${condition.ifMatch}` : 'absent';
}

/** What the SDK's errors carry; a broken connection has a name alone. */
function answerOf(error: unknown): { status: number | undefined; code: string } {
  if (!(error instanceof Error)) return { status: undefined, code: String(error) };
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  return { status: typeof status === 'number' ? status : undefined, code: error.name };
}
