// Requests and answers past Lambda's 6 MB, over the local cloud's S3, which checks each presigned URL as S3 does.
import { createServer } from 'node:http';
import type { Context as LambdaContext } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { uploadHeader } from '../../src/adapters/asks-for-upload.ts';
import { answerEvent } from '../../src/adapters/lambda.ts';
import { answerTicket } from '../../src/adapters/respond-async.ts';
import { streamEvent } from '../../src/adapters/stream.ts';
import { type HttpRequest, standardRequest } from '../../src/core/light-http.ts';
import { createContext } from '../../src/handler/context.ts';
import { s3Results } from '../../src/results/results.ts';
import { createBucket } from '../../src/testing/buckets.ts';
import { listen } from '../../src/testing/listen.ts';
import { s3Listener } from '../../src/testing/s3/server.ts';
import { temporaryFolder } from '../testing/template/assembly.ts';

const lambda = { awsRequestId: 'r-9', getRemainingTimeInMillis: () => 20_000 } as LambdaContext;
const credentials = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'secret' };
const ada = 'arn:aws:sts::000000000000:assumed-role/app/ada';
const MiB = 1024 * 1024;

describe('a body that is too large for Lambda', () => {
  const folder = temporaryFolder();
  let s3: Awaited<ReturnType<typeof listen>>;
  let settled: () => Promise<void>;
  const asked: string[] = [];

  beforeAll(async () => {
    const bucket = await s3Listener({ folder: folder.path, credentials });
    settled = () => bucket.settled();
    const server = createServer(bucket.listener);
    server.on('request', ({ method, url }) => asked.push(`${method} ${url?.split('?')[0]}`));
    s3 = await listen(server, 0);
    await createBucket({ region: 'us-east-1', credentials, s3Endpoint: s3.url }, { name: 'large', versioned: false });
  });

  afterAll(async () => {
    await settled();
    await s3[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  interface Asked {
    readonly caller?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string;
  }

  /** `fetch` behind a function URL. */
  function host(fetch: (request: Request) => Promise<Response> = async () => new Response(), maxBytes = 20 * MiB) {
    const location = { bucket: 'large', prefix: 'bodies', region: 'us-east-1', endpoint: s3.url };
    const results = s3Results(location, { credentials });
    let now = Date.now();
    const large = { results, maxBytes, now: () => now };
    return {
      large,
      pass(ms: number) {
        now += ms;
      },
      async post(rawPath: string, { caller = ada, headers = {}, body }: Asked = {}) {
        const log = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
        const event = {
          version: '2.0',
          rawPath,
          headers,
          requestContext: { http: { method: 'POST' }, authorizer: { iam: { userArn: caller } } },
          ...(body === undefined ? {} : { body }),
        };
        const answered = answerEvent((request) => fetch(standardRequest(request)), event, lambda, {
          large: async () => large,
        });
        const result = Object(await answered.finally(() => log.mockRestore()));
        return { status: result.statusCode, headers: result.headers, body: JSON.parse(result.body || 'null') };
      },
    };
  }

  const declare = (bytes: number, contentType = 'image/tiff') => ({ body: JSON.stringify({ bytes, contentType }) });
  const put = (url: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
    fetch(url, { method: 'PUT', body, headers });

  it('is put where the function says, once, and named: the function sees it as any other', async () => {
    const seen: unknown[] = [];
    const { post } = host(async (request) => {
      const { byteLength } = await request.arrayBuffer();
      seen.push(new URL(request.url).pathname, request.headers.get('content-type'), byteLength);
      seen.push(request.headers.has(uploadHeader), request.headers.get('x-user'));
      return Response.json('seen');
    });
    const { status, body: place } = await post('/uploads', declare(8 * MiB));
    expect(status).toBe(201);
    const bytes = new Uint8Array(8 * MiB).fill(7);
    const { 'content-length': _length, ...rest } = place.headers;
    expect((await put(place.url, bytes.slice(1), rest)).status).toBe(403);
    expect((await put(place.url, bytes, { ...place.headers, 'content-type': 'text/html' })).status).toBe(403);
    expect((await put(place.url, bytes, { 'content-type': 'image/tiff' })).status).toBe(403);
    expect((await put(place.url.replace('/uploads/', '/answers/'), bytes, place.headers)).status).toBe(403);
    expect((await put(place.url, bytes, place.headers)).status).toBe(200);
    expect((await put(place.url, bytes, place.headers)).status).toBe(412);
    const headers = { [uploadHeader]: place.upload, 'content-type': 'application/json', 'x-user': 'ada' };
    expect(await post('/v2/x', { headers })).toMatchObject({ status: 200, body: 'seen' });
    expect(seen).toEqual(['/v2/x', 'image/tiff', 8 * MiB, false, 'ada']);
  });

  it('reaches a function that streams, whose answers have no such limit', async () => {
    const { post, large } = host();
    const { body: place } = await post('/uploads', declare(3, 'text/plain'));
    await put(place.url, new Uint8Array(Buffer.from('abc')), place.headers);
    const event = {
      version: '2.0',
      rawPath: '/',
      headers: { [uploadHeader]: place.upload },
      requestContext: { http: { method: 'POST' }, authorizer: { iam: { userArn: ada } } },
    };
    const echo = async (request: HttpRequest) => new Response(await request.arrayBuffer());
    const { body } = Object(await streamEvent(echo, event, lambda, { large: async () => large }));
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('abc');
  });

  it('is kept for a request that prefers to be answered later', async () => {
    const { post, large } = host();
    const { body: place } = await post('/uploads', declare(3, 'text/plain'));
    await put(place.url, new Uint8Array(Buffer.from('abc')), place.headers);
    const tickets: string[] = [];
    const later = {
      ...{ results: large.results, region: 'us-east-1', credentials, callbacks: [], resultQueue: undefined },
      queue: 'http://sqs.test/0/jobs',
      fetch: async (input: string | URL | Request) => {
        tickets.push(Object(await new Request(input).json()).MessageBody);
        return new Response();
      },
    };
    const event = {
      version: '2.0',
      rawPath: '/',
      headers: { [uploadHeader]: place.upload, prefer: 'respond-async' },
      requestContext: { http: { method: 'POST' }, authorizer: { iam: { userArn: ada } } },
    };
    const outlets = { large: async () => large, later: async () => later };
    const unasked = async () => expect.unreachable('it is answered later');
    expect(await answerEvent(unasked, event, lambda, outlets)).toMatchObject({ statusCode: 202 });
    const seen: string[] = [];
    const fetch = async (request: HttpRequest) => {
      seen.push(Buffer.from(await request.arrayBuffer()).toString());
      return new Response();
    };
    expect(await answerTicket(tickets[0] ?? '', fetch, large.results, createContext())).toBe(true);
    expect(seen).toEqual(['abc']);
  });

  it('has a place that nobody can guess, that is nobody else’s, and that is gone after a day', async () => {
    const { post, pass } = host(async () => Response.json('secret'));
    const { body: place } = await post('/uploads', declare(3));
    const named = (upload: string, caller = ada) => post('/', { caller, headers: { [uploadHeader]: upload } });
    const nothing = await named(place.upload);
    expect(nothing).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    await put(place.url, Uint8Array.of(1, 2, 3), place.headers);
    expect((await named(place.upload)).status).toBe(200);
    expect(await named(place.upload, `${ada}2`)).toEqual(nothing);
    expect(await named(place.upload, '')).toEqual(nothing);
    // The key is no secret to who may list the bucket: it names nothing.
    const key = new URL(place.url).pathname.split('/').at(-1) ?? '';
    expect(place.upload).not.toContain(key);
    expect(await named(key)).toEqual(nothing);
    pass(24 * 3_600_000);
    expect(await named(place.upload)).toEqual(nothing);
    // A later end is another token.
    const [random] = place.upload.split('.');
    expect(await named(`${random}.zzzzzzzzz`)).toEqual(nothing);
  });

  it('is never looked for where a client wants: no URL, no path, no key', async () => {
    const { post } = host(async () => expect.unreachable('it has no body'));
    asked.length = 0;
    const random = 'A'.repeat(43);
    for (const upload of [
      'http://169.254.169.254/latest/meta-data/',
      'https://example.com/x',
      's3://other/key',
      '../answers/0',
      `../../${random}`,
      `${random}`,
      `${random}.../x`,
      `${random}.zzzzzzzz/../../x`,
      `${random}.%2e%2e`,
      `/uploads/${random}`,
      '',
    ]) {
      expect(await post('/', { headers: { [uploadHeader]: upload } })).toMatchObject({ status: 404 });
    }
    expect(asked).toEqual([]);
    expect((await post('/', { headers: { [uploadHeader]: `${random}.zzzzzzzz` } })).status).toBe(404);
    expect(asked).toEqual([expect.stringMatching(/^GET \/large\/bodies\/uploads\/[0-9a-f]{64}$/)]);
  });

  it('is refused by the limit of the input, before it is put and before it is read', async () => {
    const { post } = host(undefined, 10);
    expect(await post('/uploads', declare(11))).toMatchObject({
      status: 413,
      body: {
        error: 'expected an upload of at most 10 bytes (maxBytes of the function’s input), got 11',
        // Not to POST /uploads: that is what it did.
        remedy: expect.stringMatching(/^Send less, or raise it .*json\(schema, \{ maxBytes/),
      },
    });
    const { body: place } = await host().post('/uploads', declare(11));
    await put(place.url, new Uint8Array(11), place.headers);
    expect(await post('/', { headers: { [uploadHeader]: place.upload } })).toMatchObject({
      status: 413,
      body: { error: 'expected at most 10 bytes (maxBytes), got 11' },
    });
  });

  it.each([
    ['{}'],
    ['[]'],
    ['"x"'],
    ['{"bytes":0,"contentType":"a/b"}'],
    ['{"bytes":1.5,"contentType":"a/b"}'],
    ['{"bytes":-1,"contentType":"a/b"}'],
    ['{"bytes":"9","contentType":"a/b"}'],
    ['{"bytes":9}'],
    ['{"bytes":9,"contentType":"tiff"}'],
    [JSON.stringify({ bytes: 9, contentType: 'a/b\r\nx-amz-acl: public-read' })],
    [JSON.stringify({ bytes: 9, contentType: 'a/'.padEnd(300, 'b') })],
  ])('has a declaration of its size and type, not %s', async (body) => {
    expect(await host().post('/uploads', { body })).toMatchObject({ status: 400, body: { code: 'INPUT_SCHEMA' } });
  });

  it('of an answer is led to, and is there for whoever has the link', async () => {
    const bytes = new Uint8Array(7 * MiB).fill(3);
    const length = { 'inference-header-content-length': '77' };
    const headers = { 'content-type': 'image/tiff', 'x-glowplug-model': 'm=m:1.0.0', ...length };
    const { status, headers: led, body } = await host(async () => new Response(bytes, { headers })).post('/');
    expect(status).toBe(303);
    expect(led).toMatchObject({ location: body.location, 'x-glowplug-model': 'm=m:1.0.0', ...length });
    expect(body).toMatchObject({ status: 200, bytes: 7 * MiB });
    const answer = await fetch(led.location);
    expect(answer.headers.get('content-type')).toBe('image/tiff');
    expect(answer.headers.get('x-amz-meta-inference-header-content-length')).toBe('77');
    expect(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(bytes))).toBe(true);
    expect((await fetch(led.location.replace(/[0-9a-f]{64}(?=\?)/, '0'.repeat(64)))).status).toBe(403);
  });

  it('of an answer that breaks halfway is an error with a code', async () => {
    const broken = () => new ReadableStream({ pull: (to) => to.error(new Error('cut off')) });
    expect(await host(async () => new Response(broken())).post('/')).toMatchObject({
      status: 500,
      body: { code: 'INTERNAL' },
    });
  });

  it('of an answer that Lambda carries is carried', async () => {
    expect(await host(async () => Response.json('small')).post('/')).toMatchObject({ status: 200, body: 'small' });
  });

  it('is refused where there is no bucket for it, with what to do', async () => {
    const fetch = async () => new Response(new Uint8Array(7 * MiB));
    const event = { version: '2.0', rawPath: '/', headers: {}, requestContext: { http: { method: 'POST' } } };
    const { statusCode, body } = Object(await answerEvent(fetch, event, lambda));
    expect(statusCode).toBe(413);
    expect(JSON.parse(body)).toMatchObject({
      code: 'OUTPUT_TOO_LARGE',
      remedy: expect.stringContaining('largeBodies: true'),
    });
  });
});
