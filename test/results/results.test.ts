import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { openResults, type Result, s3Results, toResult } from '../../src/results/results.ts';
import { createBucket } from '../../src/testing/buckets.ts';
import { listen } from '../../src/testing/listen.ts';
import { s3Listener } from '../../src/testing/s3/server.ts';
import { temporaryFolder } from '../testing/template/assembly.ts';
import { memoryBucket } from './memory-bucket.ts';

const text = (body: string): Result => ({
  status: 200,
  headers: { 'content-type': 'text/plain', 'x-glowplug-model': 'iris=iris:1.0.0' },
  body: new Uint8Array(Buffer.from(body)),
});

describe('results', () => {
  it('are what was written first, for whoever writes and whoever reads', async () => {
    const { results } = memoryBucket();
    const written = await Promise.all(Array.from({ length: 20 }, (_, i) => results.putOnce('m/1', text(`${i}`))));
    const bodies = new Set(written.map(({ body }) => Buffer.from(body).toString()));
    expect(bodies.size).toBe(1);
    const read = await results.get('m/1');
    expect(read).toEqual(written[0]);
    expect(read).toMatchObject({ status: 200, headers: text('').headers });
    expect(results.location('m/1')).toBe('s3://results/here/m/1');
  });

  it('keep of a response its status, its body and the headers that say what it is', async () => {
    const response = new Response(Uint8Array.of(0, 255), {
      status: 201,
      headers: { 'content-type': 'image/png', 'set-cookie': 'a=1' },
    });
    expect(await toResult(response)).toEqual({
      status: 201,
      headers: { 'content-type': 'image/png' },
      body: Uint8Array.of(0, 255),
    });
  });

  it('are not there until they are written', async () => {
    const { results, faults } = memoryBucket();
    expect(await results.get('m/1')).toBeUndefined();
    faults.push(403); // S3 without the right to list the bucket.
    expect(await results.get('m/1')).toBeUndefined();
  });

  it('are tried four times when S3 is overloaded, in conflict or gone', async () => {
    const { results, faults, requests, now } = memoryBucket();
    faults.push(503, 409, 500);
    await results.putOnce('m/1', text('a'));
    expect(requests).toHaveLength(4);
    expect(now()).toBe(50 + 200 + 800);
    faults.push(503, 503, 503, 503);
    await expect(results.putOnce('m/2', text('a'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('that were written before the connection broke are found again, not lost or doubled', async () => {
    const { results, faults, objects } = memoryBucket();
    faults.push(0);
    expect(Buffer.from((await results.putOnce('m/1', text('a'))).body).toString()).toBe('a');
    expect(objects.size).toBe(1);
  });

  it('that S3 refuses say so, with what to do', async () => {
    const { results, faults } = memoryBucket();
    faults.push(403);
    await expect(results.putOnce('m/1', text('a'))).rejects.toMatchObject({ code: 'STORE_FORBIDDEN' });
  });

  it('need a place that the environment names', () => {
    const contract = { results: undefined, region: 'us-east-1', s3Endpoint: undefined, credentials: undefined };
    const cases = [
      [{}, 'GLOWPLUG_RESULTS, where results are written'],
      [{ results: 's3://bucket' }, 'AWS credentials'],
      [{ results: 's3:bucket' }, 'GLOWPLUG_RESULTS: expected s3://bucket/prefix or a folder'],
    ] as const;
    for (const [over, message] of cases) {
      expect(() => openResults({ ...contract, ...over })).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
      );
    }
  });

  it('are signed as S3 wants it, whatever their key, over connections that stay open', async () => {
    using folder = temporaryFolder();
    const credentials = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'secret' };
    const bucket = await s3Listener({ folder: folder.path, credentials });
    const server = createServer(bucket.listener);
    await using s3 = await listen(server, 0);
    const place = { region: 'us-east-1', credentials, s3Endpoint: s3.url };
    await createBucket(place, { name: 'results', versioned: false });
    let connections = 0;
    server.on('connection', () => connections++);
    const location = { bucket: 'results', prefix: "it's (a) *!", region: 'us-east-1', endpoint: s3.url };
    const results = s3Results(location, { credentials: { ...credentials, sessionToken: 'token' } });
    for (const key of ['m/1', 'ä b/%2F', '!*()']) {
      expect(await results.putOnce(key, text(key))).toEqual(text(key));
      expect(await results.putOnce(key, text('other'))).toEqual(text(key));
    }
    expect(connections).toBe(1);
    const wrong = s3Results(location, { credentials: { ...credentials, secretAccessKey: 'wrong' } });
    await expect(wrong.putOnce('m/2', text('a'))).rejects.toMatchObject({ code: 'STORE_FORBIDDEN' });
    await bucket.settled();
  });

  it('stop waiting when the caller does', async () => {
    await using deaf = await listen(
      createServer(() => {}),
      0,
    );
    const location = { bucket: 'results', prefix: '', region: 'us-east-1', endpoint: deaf.url };
    const results = s3Results(location, { credentials: { accessKeyId: 'id', secretAccessKey: 'secret' } });
    const caller = new AbortController();
    const waiting = results.putOnce('m/1', text('a'), caller.signal);
    caller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
  });
});
