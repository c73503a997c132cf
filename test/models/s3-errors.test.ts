// What the SDK throws, as glowplug's callers see it.
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { s3Store } from '../../src/models/stores/s3.ts';
import { bytes } from './store-contract.ts';

const location = { bucket: 'models', prefix: 'p', region: 'eu-central-1', endpoint: undefined };
const client = new S3Client({ region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
const mock = mockClient(client);
const pauses: number[] = [];
const clock = { now: () => 0, sleep: async (ms: number) => void pauses.push(ms) };
const store = await s3Store(location, { client, clock });

beforeEach(() => {
  mock.reset();
  pauses.length = 0;
});

describe('the S3 store', () => {
  it('puts with the condition and the SHA-256 of the bytes', async () => {
    mock.on(PutObjectCommand).resolves({ ETag: '"1"' });
    expect(await store.put('k', bytes('hello'), { ifNoneMatch: '*' })).toEqual({ etag: '"1"' });
    await store.put('k', bytes('hello'), { ifMatch: '"1"' });
    const sent = mock.commandCalls(PutObjectCommand).map((call) => call.args[0].input);
    expect(sent[0]).toMatchObject({
      Bucket: 'models',
      Key: 'p/k',
      IfNoneMatch: '*',
      ChecksumSHA256: 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=',
    });
    expect(sent[1]).toMatchObject({ IfMatch: '"1"' });
    expect(sent[1]).not.toHaveProperty('IfNoneMatch');
  });

  it.each([
    [412, 'PreconditionFailed', 'STORE_CONFLICT'],
    [404, 'NoSuchKey', 'STORE_CONFLICT'],
    [404, 'NoSuchBucket', 'CONFIG_INVALID'],
    [403, 'AccessDenied', 'STORE_FORBIDDEN'],
    [400, 'BadDigest', 'STORE_UNAVAILABLE'],
    [503, 'SlowDown', 'STORE_UNAVAILABLE'],
  ])('answers a put’s %i %s with %s', async (status, name, code) => {
    mock.on(PutObjectCommand).rejects(refused(status, name));
    await expect(store.put('k', bytes('x'), { ifMatch: '"1"' })).rejects.toMatchObject({ code });
  });

  it('asks again after a 409, which another’s write under way gives, and ends with what that write left', async () => {
    mock
      .on(PutObjectCommand)
      .rejectsOnce(refused(409, 'ConditionalRequestConflict'))
      .rejectsOnce(refused(412, 'PreconditionFailed'));
    await expect(store.put('k', bytes('x'), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    expect(pauses).toEqual([50]);
    mock.on(PutObjectCommand).rejects(refused(409, 'ConditionalRequestConflict'));
    await expect(store.put('k', bytes('x'), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    expect(mock.commandCalls(PutObjectCommand)).toHaveLength(7);
  });

  it('says undefined of what is not there, to get and to head', async () => {
    mock.on(GetObjectCommand).rejects(refused(404, 'NoSuchKey'));
    mock.on(HeadObjectCommand).rejects(refused(404, 'NotFound'));
    expect(await store.get('k')).toBeUndefined();
    expect(await store.head('k')).toBeUndefined();
  });

  it.each([
    [403, 'AccessDenied', 'STORE_FORBIDDEN'],
    [404, 'NoSuchBucket', 'CONFIG_INVALID'],
    [500, 'InternalError', 'STORE_UNAVAILABLE'],
  ])('answers %i %s with %s, to get and to list', async (status, name, code) => {
    mock.on(GetObjectCommand).rejects(refused(status, name));
    mock.on(ListObjectsV2Command).rejects(refused(status, name));
    await expect(store.get('k')).rejects.toMatchObject({ code });
    await expect(store.list('k')[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code });
  });

  it('says how to sign in when the SDK finds no credentials', async () => {
    mock.on(GetObjectCommand).rejects(Object.assign(new Error('none'), { name: 'CredentialsProviderError' }));
    await expect(store.get('k')).rejects.toMatchObject({
      code: 'STORE_FORBIDDEN',
      remedy: expect.stringContaining('aws sso login'),
    });
  });

  it('says what failed when the connection did, and rejects with the signal’s reason when that was why', async () => {
    mock.on(GetObjectCommand).rejects(Object.assign(new Error('no'), { name: 'TimeoutError' }));
    await expect(store.get('k')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('TimeoutError'),
    });
    await expect(store.get('k', { signal: AbortSignal.abort(new Error('left')) })).rejects.toThrow('left');
  });

  it('lists page after page, without the prefix of the store', async () => {
    mock
      .on(ListObjectsV2Command, { Prefix: 'p/m/' })
      .resolvesOnce({ Contents: [{ Key: 'p/m/a' }], IsTruncated: true, NextContinuationToken: 't' })
      .resolvesOnce({ Contents: [{ Key: 'p/m/b' }] });
    const keys: string[] = [];
    for await (const key of store.list('m/')) keys.push(key);
    expect(keys).toEqual(['m/a', 'm/b']);
  });
});

function refused(status: number, name: string): S3ServiceException {
  return new S3ServiceException({ name, $fault: 'client', message: name, $metadata: { httpStatusCode: status } });
}
