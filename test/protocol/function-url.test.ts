// The same on a Lambda function URL: bytes as base64 both ways, header names in lower case, at most 6 MB an answer.
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import type { Context as LambdaContext } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { answerEvent } from '../../src/adapters/lambda.ts';
import { standardRequest } from '../../src/core/light-http.ts';
import { binaryBody } from './ask.ts';
import { echoFunction } from './echo.ts';

const lambda = { awsRequestId: 'r-7', getRemainingTimeInMillis: () => 30_000 } as LambdaContext;
const fetch = echoFunction();

/** As Lambda hands it over: text for the types that it takes for text, base64 for any other and for none. */
async function invoke(model: string, sent: Uint8Array, headers: Record<string, string>) {
  const isText = /^(text\/|application\/(json|xml|javascript)\b)/.test(headers['content-type'] ?? '');
  const event = {
    version: '2.0',
    rawPath: `/v2/models/${model}/infer`,
    headers,
    requestContext: { domainName: 'f.example', http: { method: 'POST' } },
    body: Buffer.from(sent).toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: !isText,
  };
  const result = (await answerEvent((request) => fetch(standardRequest(request)), event, lambda)) as {
    statusCode: number;
    headers: Record<string, string>;
    body: string;
    isBase64Encoded: boolean;
  };
  return { ...result, bytes: Buffer.from(result.body, result.isBase64Encoded ? 'base64' : 'utf8') };
}

const floats = (count: number) =>
  new Uint8Array(Float32Array.from({ length: count }, (_, i) => (i % 1000) / 3000).buffer);
const vector = (size: number, binary: boolean) => ({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [size / 4], parameters: { binary_data_size: size } }],
  parameters: { binary_data_output: binary },
});
/** What JavaScript calls Infinity and bytes that are not UTF-8. */
const odd = new Uint8Array(Float32Array.of(Infinity, Number.NaN, -1e-40).buffer);

describe('the protocol on a function URL', () => {
  it.each([[undefined], ['application/octet-stream'], ['application/vnd.triton']])(
    'carries bytes as base64 both ways, with content type %s',
    async (contentType) => {
      const { body, headers } = binaryBody(vector(12, true), odd);
      const answer = await invoke('vector', body, {
        ...headers,
        ...(contentType ? { 'content-type': contentType } : {}),
      });
      expect(answer).toMatchObject({
        statusCode: 200,
        isBase64Encoded: true,
        headers: { 'content-type': 'application/octet-stream' },
      });
      const head = Number(answer.headers['inference-header-content-length']);
      expect(answer.bytes.subarray(head)).toEqual(Buffer.from(odd));
    },
  );

  it('carries JSON as text', async () => {
    const text = JSON.stringify({ inputs: [{ name: 'x', datatype: 'BYTES', shape: [1, 1], data: ['é\u0001😀'] }] });
    const answer = await invoke('bytes', Buffer.from(text), { 'content-type': 'application/json; charset=utf-8' });
    expect(answer).toMatchObject({ statusCode: 200, isBase64Encoded: false });
    expect(JSON.parse(answer.body)).toMatchObject({ outputs: [{ data: ['é\u0001😀'] }] });
  });

  it('refuses bytes that were sent as JSON, since they arrive changed, and says of compressed ones what to send', async () => {
    const { body, headers } = binaryBody(vector(12, true), odd);
    const answer = await invoke('vector', body, { ...headers, 'content-type': 'application/json' });
    expect(answer.statusCode).toBe(400);
    const zipped = await invoke('vector', gzipSync(body), {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    });
    expect(zipped.statusCode).toBe(400);
    expect(JSON.parse(zipped.body)).toMatchObject({ code: 'INPUT_ENCODING', remedy: /application\/octet-stream/ });
  });

  it('reads compressed bodies, and sends compressed JSON as base64', async () => {
    const { body, headers } = binaryBody(vector(80_000, false), floats(20_000));
    const answer = await invoke('vector', deflateSync(body), {
      ...headers,
      'content-encoding': 'deflate',
      'accept-encoding': 'gzip',
    });
    expect(answer).toMatchObject({ statusCode: 200, isBase64Encoded: true, headers: { 'content-encoding': 'gzip' } });
    expect(JSON.parse(gunzipSync(answer.bytes).toString())).toMatchObject({ outputs: [{ shape: [20_000] }] });
  });

  it('answers 413 that names the ways for more, and each of the ways works', async () => {
    const large = floats(400_000);
    const { body, headers } = binaryBody(vector(1_600_000, false), large);
    const answer = await invoke('vector', body, headers);
    expect(answer.statusCode).toBe(413);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'OUTPUT_TOO_LARGE', remedy: /binary_data.*gzip.*S3/ });
    expect((await invoke('vector', body, { ...headers, 'accept-encoding': 'gzip' })).statusCode).toBe(200);
    const asBytes = binaryBody(vector(1_600_000, true), large);
    expect((await invoke('vector', asBytes.body, asBytes.headers)).statusCode).toBe(200);
  });
});
