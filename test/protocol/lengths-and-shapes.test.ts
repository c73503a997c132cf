// What implementations get wrong, 1 to 3: lengths that lie, and shapes.
import { describe, expect, it } from 'vitest';
import { binaryBody, echoed, fetch, floats, infer, readAnswer, refused, sized, x } from './ask.ts';

describe('1: a header length', () => {
  const { body } = binaryBody(sized('FP32', [1], 4), floats(1));
  it.each([
    'x',
    '',
    '-1',
    '+5',
    '1.5',
    '0x10',
    '1e2',
    '5, 5',
    `${body.byteLength + 1}`,
    `${2 ** 31}`,
    `${2 ** 53}`,
    '9'.repeat(40),
  ])('of %j is refused', async (header) => {
    await refused(
      'vector',
      body,
      { 'inference-header-content-length': header },
      /Inference-Header-Content-Length from 0 to/,
    );
  });

  it.each([-1, 1])('that is off by %i is refused', async (by) => {
    const header = `${body.byteLength - 4 + by}`;
    await refused(
      'vector',
      body,
      { 'inference-header-content-length': header },
      /expected (JSON|UTF-8)|binary_data_size/,
    );
  });

  it('equal to the body is a request without bytes', async () => {
    const text = JSON.stringify(x('FP32', [1], [1]));
    const response = await fetch(infer('vector', text, { 'inference-header-content-length': `${text.length}` }));
    expect(response.status).toBe(200);
  });

  it('counts bytes, not characters', async () => {
    const { body, headers } = binaryBody({ id: 'ä😀', ...sized('FP32', [1], 4) }, floats(2));
    expect((await readAnswer(await fetch(infer('vector', body, headers)))).json).toMatchObject({ id: 'ä😀' });
  });
});

describe('2: binary_data_size', () => {
  it.each([-1, true, '4', 4.5, 5, 2 ** 53, 1e300])('of %j is refused', async (size) => {
    const { body, headers } = binaryBody(sized('FP32', [1], size), floats(1));
    await refused('vector', body, headers, /"binary_data_size" of at most the 4 bytes that are left/);
  });

  it.each([null, [4], {}])('of %j is no parameter', async (size) => {
    const { body, headers } = binaryBody(sized('FP32', [1], size), floats(1));
    await refused('vector', body, headers, /parameter binary_data_size .* as a string, number or boolean/);
  });

  it('that leaves bytes over is refused', async () => {
    const { body, headers } = binaryBody(sized('FP32', [1], 4), floats(1, 2));
    await refused('vector', body, headers, /end with its last tensor, got "4 bytes more"/);
  });

  it('that is not what the shape takes is refused', async () => {
    const { body, headers } = binaryBody(sized('FP32', [2], 4), floats(1));
    await refused('vector', body, headers, /expected 8 bytes for FP32 of shape \[2\], got 4/);
  });

  it('beside data is refused, and so is neither', async () => {
    const both = binaryBody(x('FP32', [1], [1], { parameters: { binary_data_size: 4 } }), floats(1));
    await refused('vector', both.body, both.headers, /"data" or "binary_data_size", got "both"/);
    await refused('vector', JSON.stringify(x('FP32', [1], undefined)), {}, /expected data as an array/);
  });
});

describe('3: a shape', () => {
  it.each([
    [[2 ** 4, 2 ** 60 + 2], /whole dimensions|fewer than 2⁵³/],
    [[2 ** 30, 2 ** 30], /fewer than 2⁵³/],
    [[0, 2 ** 30, 2 ** 30], /fewer than 2⁵³/],
    [[-1], /at least 0/],
    [[1.5], /whole dimensions/],
    [['1'], /a shape of whole numbers/],
    [[true], /a shape of whole numbers/],
    [[[1]], /a shape of whole numbers/],
    ['1', /a shape of whole numbers/],
    [undefined, /a shape of whole numbers/],
    [[2], /expected (2 elements|8 bytes)/],
    [Array.from({ length: 100_000 }, () => 1), /at most 32 dimensions/],
  ])('of %j is refused, for JSON and for bytes', async (shape, message) => {
    await refused('vector', JSON.stringify(x('FP32', shape, [1])), {}, message);
    const { body, headers } = binaryBody(sized('FP32', shape, 4), floats(1));
    await refused('vector', body, headers, message);
  });

  it('that claims more BYTES than came allocates nothing for them', async () => {
    const { body, headers } = binaryBody(sized('BYTES', [2 ** 50], 4), new Uint8Array(4));
    await refused('bytes', body, headers, /expected 1125899906842624 elements/);
  });

  it('may have a dimension of 0, and may be a scalar', async () => {
    expect(await echoed('rows', x('FP32', [0, 2], []))).toEqual([
      { name: 'y', datatype: 'FP32', shape: [0, 2], data: [] },
    ]);
    expect(await echoed('scalar', x('FP32', [], [7]))).toEqual([{ name: 'y', datatype: 'FP32', shape: [], data: [7] }]);
    const none = binaryBody({ ...sized('FP32', [0, 2], 0), parameters: { binary_data_output: true } });
    const { json, tail } = await readAnswer(await fetch(infer('rows', none.body, none.headers)));
    expect(json['outputs']).toEqual([
      { name: 'y', datatype: 'FP32', shape: [0, 2], parameters: { binary_data_size: 0 } },
    ]);
    expect(tail).toHaveLength(0);
  });
});
