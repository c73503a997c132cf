import type { Context as LambdaContext } from 'aws-lambda';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromResponse, toRequest } from '../../src/adapters/function-url.ts';
import { answerEvent } from '../../src/adapters/lambda.ts';
import type { HttpRequest } from '../../src/core/light-http.ts';
import { runs } from '../runs.ts';

const lambda = { awsRequestId: 'r-7', getRemainingTimeInMillis: () => 3000 } as LambdaContext;

function urlEvent(over: object = {}) {
  return {
    version: '2.0' as const,
    rawPath: '/a%20b',
    rawQueryString: 'q=1&q=2',
    headers: { 'content-type': 'application/octet-stream', host: 'f.example' },
    cookies: ['a=1', 'b=2'],
    requestContext: { domainName: 'f.example', http: { method: 'POST' } },
    body: Buffer.from('héllo').toString('base64'),
    isBase64Encoded: true,
    ...over,
  };
}

describe('function URL events', () => {
  it('become the request that the client sent', async () => {
    const request = toRequest(urlEvent());
    expect(request.method).toBe('POST');
    expect(request.url).toBe('https://f.example/a%20b?q=1&q=2');
    expect(request.headers.get('cookie')).toBe('a=1; b=2');
    expect(await request.text()).toBe('héllo');
  });

  it('carry text as it is and anything else as base64, both ways', async () => {
    let cases = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array(),
        fc.constantFrom('image/png', 'application/octet-stream'),
        async (bytes, contentType) => {
          cases++;
          const echo = async (request: HttpRequest) =>
            new Response(await request.arrayBuffer(), { headers: { 'content-type': contentType } });
          const result = await answerEvent(echo, urlEvent({ body: Buffer.from(bytes).toString('base64') }), lambda);
          expect(result).toMatchObject({ isBase64Encoded: true, body: Buffer.from(bytes).toString('base64') });
        },
      ),
      { numRuns: runs(200) },
    );
    console.log(`function URL: ${cases} random bodies`);
    for (const contentType of ['text/plain', 'application/json', 'application/problem+json', 'application/xml']) {
      const result = await fromResponse(new Response('ä"\u0000', { headers: { 'content-type': contentType } }));
      expect(result).toMatchObject({ isBase64Encoded: false, body: 'ä"\u0000' });
    }
  });

  it('put each set-cookie into cookies', async () => {
    const headers = new Headers([
      ['set-cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
      ['set-cookie', 'b=2'],
      ['x-kept', '1'],
    ]);
    const result = await fromResponse(new Response(null, { status: 204, headers }));
    expect(result.cookies).toEqual(['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2']);
    expect(result.headers).toEqual({ 'x-kept': '1' });
  });

  it('answer 413 with the way for more when the answer is over 6 MB', async () => {
    const large = async () => new Response(new Uint8Array(5e6), { headers: { 'content-type': 'image/png' } });
    const result = await answerEvent(large, urlEvent(), lambda);
    expect(result).toMatchObject({ statusCode: 413 });
    expect(JSON.stringify(result)).toContain('OUTPUT_TOO_LARGE');
  });

  it('ignore a body of GET, as the standard Request does', async () => {
    const request = toRequest(urlEvent({ requestContext: { http: { method: 'GET' } } }));
    expect(await request.text()).toBe('');
  });
});

describe('direct invocations', () => {
  it('hand the payload over as JSON and answer with the value', async () => {
    const echo = async (request: HttpRequest) => Response.json({ got: await request.json() });
    for (const payload of [{ a: [1, null] }, [], 'text', 3, null]) {
      expect(await answerEvent(echo, payload, lambda)).toEqual({ got: payload });
    }
  });

  it('throw what was refused, with the code as its name and no trace', async () => {
    const refuse = async () =>
      Response.json({ error: 'expected 4 numbers, got 3', code: 'INPUT_SCHEMA', remedy: 'Send 4.' }, { status: 400 });
    const thrown = await answerEvent(refuse, {}, lambda).catch((error: Error) => error);
    expect(thrown).toMatchObject({ name: 'INPUT_SCHEMA', message: 'expected 4 numbers, got 3. Send 4.' });
    expect((thrown as Error).stack).not.toContain('\n');
  });

  it('answer with a function URL’s result when it is not JSON', async () => {
    const png = async () => new Response(Uint8Array.of(1, 2), { headers: { 'content-type': 'image/png' } });
    expect(await answerEvent(png, {}, lambda)).toMatchObject({ isBase64Encoded: true, body: 'AQI=' });
  });

  it.each([
    ['SQS', { Records: [{ eventSource: 'aws:sqs' }] }],
    ['a WebSocket API', { requestContext: { stage: 'prod', connectionId: 'x' } }],
    ['EventBridge', { 'detail-type': 'x', detail: {} }],
  ])('refuse an event of %s, which has no adapter', async (_name, event) => {
    const never = async () => {
      throw new Error('the function was called');
    };
    await expect(answerEvent(never, event, lambda)).rejects.toMatchObject({ name: 'EVENT_UNKNOWN' });
  });

  it('of a schedule without an input of its own only warm the function', async () => {
    let warmed = 0;
    const never = async () => {
      throw new Error('the function was called');
    };
    const warm = async () => void warmed++;
    const event = { 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} };
    expect(await answerEvent(never, event, lambda, { warm })).toBeNull();
    expect(warmed).toBe(1);
  });

  it('give the function a signal that aborts before Lambda ends the process', async () => {
    const soon = { ...lambda, getRemainingTimeInMillis: () => 201 } as LambdaContext;
    const waits = (_request: HttpRequest, context: { signal: AbortSignal | undefined }) =>
      new Promise<Response>((resolve) =>
        context.signal?.addEventListener('abort', () => resolve(Response.json('aborted'))),
      );
    expect(await answerEvent(waits, {}, soon)).toBe('aborted');
  });
});
