// What a running function makes of every way in which S3 can fail it.
import { describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { openReader } from '../../src/models/stores/open.ts';
import { s3Reader } from '../../src/models/stores/s3-reader.ts';
import type { HttpAnswer, SendGet } from '../../src/models/stores/send-get.ts';
import { text } from './store-contract.ts';

const location = { bucket: 'models', prefix: '', region: 'eu-central-1', endpoint: undefined };
const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret-of-a-test', sessionToken: 'token' };

describe('the S3 reader', () => {
  it('signs each request for the bucket’s own host, and a bucket with dots in the path', async () => {
    const { reader, requests } = readerOf([ok('hello')]);
    expect(await text((await reader.get('iris/index.json'))?.body)).toBe('hello');
    const [request] = requests;
    expect(request?.url.href).toBe('https://models.s3.eu-central-1.amazonaws.com/iris/index.json');
    expect(request?.headers['authorization']).toMatch(/^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-central-1\/s3\//);
    expect(request?.headers['x-amz-security-token']).toBe('token');
    const dotted = readerOf([ok('x')], { bucket: 'models.example' });
    await dotted.reader.get('a');
    expect(dotted.requests[0]?.url.href).toBe('https://s3.eu-central-1.amazonaws.com/models.example/a');
  });

  it.each([
    [403, 'AccessDenied', 'STORE_FORBIDDEN'],
    [403, 'SignatureDoesNotMatch', 'STORE_FORBIDDEN'],
    [403, 'RequestTimeTooSkewed', 'STORE_FORBIDDEN'],
    [400, 'ExpiredToken', 'STORE_FORBIDDEN'],
    [400, 'InvalidToken', 'STORE_FORBIDDEN'],
    [404, 'NoSuchBucket', 'CONFIG_INVALID'],
    [301, 'PermanentRedirect', 'CONFIG_INVALID'],
    [400, 'AuthorizationHeaderMalformed', 'CONFIG_INVALID'],
    [400, 'SomethingNew', 'STORE_UNAVAILABLE'],
    [416, 'InvalidRange', 'STORE_UNAVAILABLE'],
  ])('answers %i %s with %s, at once, and without a credential in the message', async (status, code, expected) => {
    const { reader, requests } = readerOf([refused(status, code)]);
    const error = await reader.get('iris/index.json').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: expected, message: expect.stringContaining(code) });
    expect(String(error)).not.toMatch(/AKID|secret-of|token(?!s)\b/);
    expect(requests).toHaveLength(1);
  });

  it('asks with the etag, and takes 304 for the object as it was', async () => {
    for (const headers of [{ etag: '"e"' }, {}]) {
      const { reader, requests } = readerOf([answerOf(304, of(''), headers)]);
      const found = await reader.get('a', { ifNoneMatch: '"e"' });
      expect([found?.etag, await text(found?.body)]).toEqual(['"e"', '']);
      expect(requests[0]?.headers['if-none-match']).toBe('"e"');
    }
  });

  it('says undefined of NoSuchKey', async () => {
    expect(await readerOf([refused(404, 'NoSuchKey')]).reader.get('a')).toBeUndefined();
  });

  it('tries a 503 and a broken connection again, with pauses', async () => {
    const broken = new Error('read ECONNRESET');
    const { reader, requests, pauses } = readerOf([refused(503, 'SlowDown'), broken, ok('hello')]);
    expect(await text((await reader.get('a'))?.body)).toBe('hello');
    expect(requests).toHaveLength(3);
    expect(pauses).toEqual([50, 200]);
  });

  it('draws its pauses, so that those whom one overload turned away do not come back together', async () => {
    const { reader, pauses } = readerOf([refused(503, 'SlowDown'), refused(429, ''), ok('hello')], { random: () => 0 });
    await reader.get('a');
    expect(pauses).toEqual([25, 100]);
  });

  it.each([
    ['503', () => refused(503, 'SlowDown'), /answered 503/],
    ['broken connection', () => new Error('connect ECONNREFUSED'), /ECONNREFUSED/],
  ])('gives up after the third %s', async (_what, answer, message) => {
    const { reader, requests } = readerOf([answer(), answer(), answer(), answer()]);
    await expect(reader.get('a')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(message),
    });
    expect(requests).toHaveLength(3);
  });

  it('refuses the whole object where a range was asked for: its bytes would land at the wrong place', async () => {
    const { reader } = readerOf([ok('0123456789')]);
    await expect(reader.get('a', { range: [3, 5] })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('rejects with the signal’s reason while it waits for an answer, and does not try again', async () => {
    const leaver = new AbortController();
    const { reader, requests } = readerOf(['silence']);
    const got = reader.get('a', { signal: leaver.signal });
    await vi.waitFor(() => expect(requests).toHaveLength(1));
    leaver.abort(new Error('left'));
    await expect(got).rejects.toThrow('left');
    expect(requests).toHaveLength(1);
  });

  it('ends a body in which nothing comes any more, and says so', async () => {
    const { reader } = readerOf(['stalled'], { silenceMs: 20 });
    const got = await reader.get('a');
    await expect(text(got?.body)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('nothing came for 20 ms'),
    });
  });

  it('says what to set when there are no credentials, or the store is no S3 URL', async () => {
    const contract = { region: 'x', s3Endpoint: undefined, credentials: undefined };
    await expect(openReader({ ...contract, store: 's3://models' })).rejects.toMatchObject({
      code: 'STORE_FORBIDDEN',
      remedy: expect.stringContaining('AWS_ACCESS_KEY_ID'),
    });
    for (const store of ['s3://', 's3:/models', 's3://Models', 's3://m//x', 's3://a b']) {
      await expect(openReader({ ...contract, store })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    }
  });
});

type Answer = HttpAnswer | Error | 'silence' | 'stalled';

interface Given {
  readonly bucket?: string;
  readonly silenceMs?: number;
  readonly random?: () => number;
}

function readerOf(answers: Answer[], { bucket = 'models', silenceMs = 10_000, random = () => 1 }: Given = {}) {
  const requests: { url: URL; headers: Readonly<Record<string, string>> }[] = [];
  const pauses: number[] = [];
  const clock: Clock = {
    now: () => 0,
    async sleep(ms) {
      pauses.push(ms);
    },
  };
  const send: SendGet = async (url, { headers, signal }) => {
    requests.push({ url, headers });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    if (typeof answer === 'object') return answer;
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    aborted.catch(() => {});
    if (answer === 'silence') return await aborted;
    return answerOf(200, stalled(aborted), { etag: '"e"', 'content-length': '10' });
  };
  return {
    reader: s3Reader({ ...location, bucket }, { credentials, send, clock, silenceMs, random }),
    requests,
    pauses,
  };
}

async function* stalled(aborted: Promise<never>): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(1);
  await aborted;
}

function answerOf(status: number, body: AsyncIterable<Uint8Array>, headers: HttpAnswer['headers'] = {}): HttpAnswer {
  return { status, headers, body, destroy() {} };
}

function ok(body: string): HttpAnswer {
  return answerOf(200, of(body), { etag: '"e"', 'content-length': `${body.length}` });
}

function refused(status: number, code: string): HttpAnswer {
  return answerOf(status, of(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message></Error>`));
}

async function* of(body: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(body);
}
