// cloud.faults: what a test can do to S3, to environments, to credentials and to the clock, and that it ends.
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCloud, type S3Fault, startLocalCloud } from '../../src/testing/index.ts';
import { runs } from '../runs.ts';
import { type TestApp, testApp } from './app.ts';
import { clientOf, refusal } from './s3/contract/endpoint.ts';

const Bucket = 'a-models';
const Key = 'some/key';
const text = 'the whole of it';

describe('faults', () => {
  let app: TestApp;
  let cloud: LocalCloud;
  let s3: S3Client;
  beforeAll(async () => {
    app = testApp({
      pid: 'export const handler = async () => { await new Promise((done) => setTimeout(done, 5)); return process.pid; };',
      other: 'export const handler = async () => 1;',
    });
    cloud = await startLocalCloud({ root: app.root });
    s3 = clientOf({ url: cloud.s3Endpoint, region: cloud.region, credentials: cloud.credentials });
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: text }));
  }, 30_000);
  afterAll(async () => {
    s3.destroy();
    await cloud[Symbol.asyncDispose]();
    app[Symbol.dispose]();
  });
  const get = async () => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    return await Body!.transformToString();
  };

  it('of S3 last until they are disposed, and count how often they struck', async () => {
    {
      using refused = cloud.faults.s3({ status: 503 });
      expect(await refusal(get())).toBe('503 SlowDown');
      expect(refused.hits).toBe(1);
    }
    expect(await get()).toBe(text);
  });

  it.each<[string, S3Fault, string | RegExp]>([
    ['a status with its own code', { status: 403, code: 'InvalidObjectState' }, '403 InvalidObjectState'],
    ['a connection that breaks before the request', { reset: 'before the request' }, /hang up|reset/i],
    ['a connection that breaks in the answer', { reset: 'in the answer' }, /aborted|closed|premature|hang up|reset/i],
    ['half an answer that says it is whole', { short: true }, /checksum/i],
    ['wrong bytes', { wrong: 'in the answer' }, /checksum/i],
  ])('of S3 can be %s', async (_name, fault, expected) => {
    using _fault = cloud.faults.s3(fault);
    const outcome = await refusal(get()).catch((error: Error) => error.message);
    expect(outcome).toMatch(expected);
  });

  it('of S3 can be silence, until the client gives up, and slowness', async () => {
    {
      using silent = cloud.faults.s3({ silent: 'in the answer' });
      const gone = s3.send(new GetObjectCommand({ Bucket, Key })).then(async ({ Body }) => {
        const reader = Body!.transformToWebStream().getReader();
        expect(Buffer.from((await reader.read()).value).toString()).toBe(text.slice(0, text.length >> 1));
        await reader.cancel();
      });
      await gone;
      expect(silent.hits).toBe(1);
    }
    using _slow = cloud.faults.s3({ delayMs: 50 });
    const started = performance.now();
    expect(await get()).toBe(text);
    expect(performance.now() - started).toBeGreaterThan(45);
  });

  it('strike only what they are told to, at their rate, so many times, and the same requests at every run', async () => {
    using _elsewhere = cloud.faults.s3({ status: 500, only: ({ key }) => key.startsWith('elsewhere/') });
    using _puts = cloud.faults.s3({ status: 500, only: ({ method }) => method === 'PUT' });
    const total = runs(60);
    const struck = async (seed: number) => {
      using fault = cloud.faults.s3({ status: 503, rate: 0.25, seed });
      const outcomes: boolean[] = [];
      for (let at = 0; at < total; at++) outcomes.push((await refusal(get())) !== 'no refusal');
      expect(outcomes.filter(Boolean)).toHaveLength(fault.hits);
      return outcomes;
    };
    const first = await struck(1);
    expect(await struck(1)).toEqual(first);
    expect(await struck(2)).not.toEqual(first);
    const share = first.filter(Boolean).length / total;
    console.log(`faults: a rate of 0.25 struck ${share.toFixed(2)} of ${total} requests, the same in two runs`);
    expect(Math.abs(share - 0.25)).toBeLessThan(0.15);
    using twice = cloud.faults.s3({ status: 503, times: 2 });
    const outcomes = [];
    for (let at = 0; at < 4; at++) outcomes.push(await refusal(get()));
    expect(outcomes).toEqual(['503 SlowDown', '503 SlowDown', 'no refusal', 'no refusal']);
    expect(twice.hits).toBe(2);
  });

  it('expire the credentials', async () => {
    using _expired = cloud.faults.expireCredentials();
    expect(await refusal(get())).toBe('400 ExpiredToken');
  });

  it('move the clock: a presigned URL expires, and what is signed now is not too early', async () => {
    const client = new AwsClient({ ...cloud.credentials, region: cloud.region, service: 's3' });
    const url = new URL(`${cloud.s3Endpoint}/${Bucket}/${Key}`);
    url.searchParams.set('X-Amz-Expires', '60');
    const { url: presigned } = await client.sign(url, { aws: { signQuery: true } });
    expect((await fetch(presigned)).status).toBe(200);
    {
      using _later = cloud.faults.moveClock(61_000);
      expect((await fetch(presigned)).status).toBe(403);
      expect((await cloud.function('pid').fetch('/')).status).toBe(200);
    }
    expect((await fetch(presigned)).status).toBe(200);
  });

  it('kill environments: at once, and at random while they work', async () => {
    const pid = await cloud.function('pid').invoke({});
    expect(await cloud.function('pid').kill()).toBe(1);
    const next = await cloud.function('pid').invoke({});
    expect(next).not.toBe(pid);

    using deaths = cloud.faults.kill({ function: 'pid', rate: 0.3 });
    let failed = 0;
    const total = runs(20);
    for (let at = 0; at < total; at++) {
      const outcome = await cloud
        .function('pid')
        .invoke({})
        .catch((error: Error) => error.message);
      if (typeof outcome === 'number') continue;
      expect(outcome).toContain('signal: killed');
      failed++;
    }
    console.log(`faults: ${deaths.hits} environments killed in ${total} invocations, ${failed} of them failed`);
    // Nothing fails that was not struck; an answer may be out before the signal is in, on a machine that is busy.
    expect(failed).toBeLessThanOrEqual(deaths.hits);
    expect(failed).toBeGreaterThan(deaths.hits / 2);
    expect(await cloud.function('other').invoke({})).toBe(1);
  });

  it.each<[string, S3Fault]>([
    ['no effect', {}],
    ['two effects', { status: 503, short: true }],
    ['a status that is no error', { status: 200 }],
    ['a rate that is no share', { status: 503, rate: 10 }],
    ['a number that is none', { status: 503, times: Number.NaN }],
    ['a time that is over', { delayMs: -1 }],
  ])('refuse %s', (_name, fault) => {
    expect(() => cloud.faults.s3(fault)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  /** As a test has it whose types nobody looks at. */
  const loosely = (fault: object): object => fault;

  it.each<[string, () => unknown, string]>([
    ['a function', () => cloud.faults.kill({ function: 'pids' }), 'function to be one of other, pid; got "pids"'],
    ['a queue', () => cloud.faults.duplicate({ queue: 'jobs' }), 'queue to be one of (there is none); got "jobs"'],
    [
      'an option',
      () => cloud.faults.kill(loosely({ fn: 'pid' })),
      'one of function, withinMs, rate, seed, times; got "fn"',
    ],
    ['a place', () => cloud.faults.s3(loosely({ silent: 'always' })), 'one of before the answer, in the answer; got'],
    ['a time', () => cloud.faults.moveClock(Object('1h')), 'expected milliseconds to move the clock by, got 1h'],
  ])('refuse %s that there is not, and name what there is', (_name, fault, message) => {
    expect(fault).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
