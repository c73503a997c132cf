// What implementations get wrong, 9: compressed bodies and answers.
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { binaryBody, fetch, floats, infer, readAnswer, refused, sized, x } from './ask.ts';

describe('9: compression', () => {
  const { body, headers } = binaryBody(
    { ...sized('FP32', [2], 8), parameters: { binary_data_output: true } },
    floats(1, 2),
  );

  it.each([
    ['gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['GZIP', gzipSync(body)],
    ['identity', body],
  ])('of the body by %s: the header length is of what was compressed', async (encoding, sent) => {
    const request = infer('vector', new Uint8Array(sent), { ...headers, 'content-encoding': encoding });
    expect((await readAnswer(await fetch(request))).tail).toEqual(Buffer.from(floats(1, 2)));
  });

  it.each([
    ['gzip', new Uint8Array(gzipSync(body).subarray(0, -4))],
    ['gzip', body],
    ['deflate', new Uint8Array(gzipSync(body))],
    ['br', body],
    ['gzip, gzip', body],
  ])('by %s that is not so is refused', async (encoding, sent) => {
    await refused(
      'vector',
      sent,
      { ...headers, 'content-encoding': encoding },
      /expected (a body compressed|Content-Encoding)/,
    );
  });

  it('a bomb stops at the limit', async () => {
    // Members in a row are one stream: 1 GB in 1 MB.
    const member = gzipSync(Buffer.alloc(1e6, '['));
    const bomb = new Uint8Array(Buffer.concat(Array.from({ length: 1000 }, () => member)));
    const before = process.memoryUsage.rss();
    const { status, json } = await readAnswer(await fetch(infer('vector', bomb, { 'content-encoding': 'gzip' })));
    expect({ status, json }).toMatchObject({
      status: 413,
      json: { code: 'INPUT_TOO_LARGE', error: /when it is decompressed/ },
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
  });

  const large = JSON.stringify(
    x(
      'FP32',
      [1, 40_000],
      Array.from({ length: 40_000 }, (_, i) => i / 8),
    ),
  );
  it.each([
    ['gzip, deflate, br', 'gzip', gunzipSync],
    ['deflate', 'deflate', inflateSync],
    ['gzip;q=0, deflate;q=0.5', 'deflate', inflateSync],
  ])('of a large JSON answer for a client that accepts %j is %s', async (accepted, encoding, open) => {
    const response = await fetch(infer('fp32', large, { 'accept-encoding': accepted }));
    expect(response.headers.get('content-encoding')).toBe(encoding);
    expect(response.headers.get('vary')).toBe('accept-encoding');
    const plain = await (await fetch(infer('fp32', large))).text();
    expect(open(Buffer.from(await response.arrayBuffer())).toString()).toBe(plain);
  });

  it.each([['br'], ['gzip;q=0'], ['identity'], ['']])('no answer is compressed for %j', async (accepted) => {
    const response = await fetch(infer('fp32', large, { 'accept-encoding': accepted }));
    expect(response.headers.get('content-encoding')).toBeNull();
  });
});
