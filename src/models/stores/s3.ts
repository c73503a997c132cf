// S3 through the AWS SDK: what publishes, moves tags and lists. A running function reads through s3-reader.ts instead.
import { createHash } from 'node:crypto';
import { GlowplugError } from '../../core/errors.ts';
import { answerOf } from './s3-failure.ts';
import { type S3Location, storeName } from './s3-location.ts';
import { refusal } from './s3-refusal.ts';
import { type S3StoreOptions, s3Session, within } from './s3-session.ts';
import { s3Uploads } from './s3-upload.ts';
import type { PutCondition, Store } from './store.ts';

export async function s3Store(location: S3Location, options: S3StoreOptions = {}): Promise<Store> {
  const session = await s3Session(location, options);
  const { sdk, client, clock, at, keyOf, asking, failed } = session;

  const store: Omit<Store, 'upload' | 'unfinished'> = {
    name: storeName(location),

    async get(key, { range, ifNoneMatch, signal } = {}) {
      const command = new sdk.GetObjectCommand({
        ...at(key),
        ...(range ? { Range: `bytes=${range[0]}-${range[1]}` } : {}),
        ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
      });
      try {
        const answer = await asking(() => client.send(command, within(signal)), signal);
        const total = range ? answer.ContentRange?.split('/')[1] : answer.ContentLength;
        if (!answer.Body || total === undefined) throw refusal(location, key, { status: 200, code: 'without a body' });
        const body = ReadableStream.from(chunks(answer.Body.transformToWebStream(), key, signal));
        return { etag: answer.ETag ?? '', size: Number(total), body };
      } catch (error) {
        if (ifNoneMatch !== undefined && answerOf(error).status === 304) {
          return { etag: ifNoneMatch, size: 0, body: new Blob([]).stream() };
        }
        return absentOr(error, key, signal);
      }
    },

    async head(key, { signal } = {}) {
      try {
        const command = new sdk.HeadObjectCommand(at(key));
        const answer = await asking(() => client.send(command, within(signal)), signal);
        const { ETag, ContentLength, LastModified } = answer;
        return { etag: ETag ?? '', size: ContentLength ?? 0, modified: LastModified?.getTime() ?? 0 };
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
          const { ETag } = await asking(() => client.send(command, within(signal)), signal);
          return { etag: ETag ?? '' };
        } catch (error) {
          const { status, code } = answerOf(error);
          // 409: another write of this key is under way. Whether it succeeds is seen by asking again.
          if (status === 409 && attempt < putAttempts) {
            await clock.sleep(attempt * putPauseMs, signal);
            continue;
          }
          if (status === 409 || status === 412 || (status === 404 && code !== 'NoSuchBucket')) {
            const message = `expected ${key} to be ${stateOf(condition)}, somebody wrote first`;
            throw new GlowplugError('STORE_CONFLICT', message, { cause: error });
          }
          throw failed(error, key, signal);
        }
      }
    },

    async delete(key, { signal } = {}) {
      try {
        await asking(() => client.send(new sdk.DeleteObjectCommand(at(key)), within(signal)), signal);
      } catch (error) {
        absentOr(error, key, signal);
      }
    },

    async *list(prefix) {
      let token: string | undefined;
      try {
        do {
          const command = new sdk.ListObjectsV2Command({
            Bucket: location.bucket,
            Prefix: at(prefix).Key,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          });
          const { Contents, NextContinuationToken } = await asking(() => client.send(command));
          for (const { Key } of Contents ?? []) if (Key !== undefined) yield keyOf(Key);
          token = NextContinuationToken;
        } while (token !== undefined);
      } catch (error) {
        throw failed(error, prefix);
      }
    },
  };
  return { ...store, ...s3Uploads(session, store) };

  /** The SDK's stream breaks with errors of node:http. */
  async function* chunks(
    body: ReadableStream<Uint8Array>,
    key: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body) yield chunk;
    } catch (error) {
      throw failed(error, key, signal);
    }
  }

  function absentOr(error: unknown, key: string, signal: AbortSignal | undefined): undefined {
    const { status, code } = answerOf(error);
    if (status === 404 && code !== 'NoSuchBucket') return undefined;
    throw failed(error, key, signal);
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
