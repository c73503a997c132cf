// What implementations get wrong, 4 and 5: kinds of values, and what is no request.
import { describe, expect, it } from 'vitest';
import { binaryBody, echoed, fetch, infer, readAnswer, refused, sized, x } from './ask.ts';

describe('4: kinds', () => {
  it('FP32 takes whole numbers, flat or nested', async () => {
    expect(await echoed('rows', x('FP32', [2, 2], [1, 2, 3, 4]))).toEqual(
      await echoed(
        'rows',
        x(
          'FP32',
          [2, 2],
          [
            [1, 2],
            [3, 4],
          ],
        ),
      ),
    );
  });

  it.each([
    ['UINT32', [-1]],
    ['UINT32', [1.5]],
    ['UINT32', ['1']],
    ['UINT32', [true]],
    ['BOOL', [1]],
    ['BOOL', ['true']],
    ['BYTES', [1]],
    ['FP32', [null]],
    ['FP32', ['NaN']],
    ['FP32', [1e39]],
    ['INT64', ['1']],
    ['UINT64', [-1]],
    ['INT8', [128]],
  ])('%s refuses %j', async (datatype, data) => {
    await refused(datatype.toLowerCase(), JSON.stringify(x(datatype, [1, 1], data)), {}, /tensor "x\[0\]": expected/);
  });

  it.each([
    [
      [2, 2],
      [[1, 2], [3]],
    ],
    [
      [2, 2],
      [[1, 2], 3],
    ],
    [
      [2, 2],
      [1, [2, 3, 4]],
    ],
    [
      [2, 2],
      [
        [[1], [2]],
        [[3], [4]],
      ],
    ],
    [
      [4, 1],
      [
        [1, 2],
        [3, 4],
      ],
    ],
  ])('a shape of %j refuses the nesting %j', async (shape, data) => {
    await refused('fp32', JSON.stringify(x('FP32', shape, data)), {}, /rows of|expected a number|expected 4 elements/);
  });

  it('BOOL bytes are 0 or 1', async () => {
    const { body, headers } = binaryBody(sized('BOOL', [1, 2], 2), Uint8Array.of(1, 2));
    await refused('bool', body, headers, /tensor "x\[1\]": expected the byte 0 or 1 for BOOL, got 2/);
  });
});

describe('5: JSON', () => {
  it.each([
    ['open', '['.repeat(250_000)],
    ['closed', `${'['.repeat(250_000)}${']'.repeat(250_000)}`],
    ['objects', `${'{"a":'.repeat(250_000)}1${'}'.repeat(250_000)}`],
    [
      'as data',
      `{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":${'['.repeat(250_000)}1${']'.repeat(250_000)}}]}`,
    ],
    ['as a parameter', `{"parameters":{"a":${'['.repeat(250_000)}${']'.repeat(250_000)}},"inputs":[]}`],
    ['beside INT64', `{"a":"INT64","b":1234567890123456789,"c":${'['.repeat(250_000)}${']'.repeat(250_000)}}`],
  ])('of 250,000 levels is refused unparsed: %s', async (_name, text) => {
    await refused('vector', text, {}, /JSON of at most 40 levels/);
  });

  it('with brackets inside strings is not deep', async () => {
    const id = '[{"\\'.repeat(1000);
    expect(
      (await readAnswer(await fetch(infer('vector', JSON.stringify({ id, ...x('FP32', [1], [1]) }))))).json,
    ).toMatchObject({ id });
  });

  it.each([
    ['an array', '[]'],
    ['null', 'null'],
    ['a number', '1'],
    ['no inputs', '{}'],
    ['no input', '{"inputs":[]}'],
    ['an input that is null', '{"inputs":[null]}'],
    ['an id that is a number', JSON.stringify({ id: 1, ...x('FP32', [1], [1]) })],
    ['an input twice', JSON.stringify({ inputs: [...x('FP32', [1], [1]).inputs, ...x('FP32', [1], [1]).inputs] })],
    ['an output twice', JSON.stringify({ outputs: [{ name: 'y' }, { name: 'y' }], ...x('FP32', [1], [1]) })],
    ['an unknown input', JSON.stringify({ inputs: [{ name: 'z', datatype: 'FP32', shape: [1], data: [1] }] })],
    ['an unknown output', JSON.stringify({ outputs: [{ name: 'z' }], ...x('FP32', [1], [1]) })],
    ['an output of a prototype', JSON.stringify({ outputs: [{ name: 'toString' }], ...x('FP32', [1], [1]) })],
    ['an input named __proto__', '{"inputs":[{"name":"__proto__","datatype":"FP32","shape":[1],"data":[1]}]}'],
    ['parameters that are a list', JSON.stringify({ parameters: [], ...x('FP32', [1], [1]) })],
    ['a parameter that is an object', JSON.stringify({ parameters: { a: {} }, ...x('FP32', [1], [1]) })],
    [
      'binary_data_output as text',
      JSON.stringify({ parameters: { binary_data_output: 'true' }, ...x('FP32', [1], [1]) }),
    ],
    [
      'classification',
      JSON.stringify({ outputs: [{ name: 'y', parameters: { classification: 2 } }], ...x('FP32', [1], [1]) }),
    ],
    ['shared memory', JSON.stringify(x('FP32', [1], undefined, { parameters: { shared_memory_region: 'r' } }))],
    ['BF16', JSON.stringify(x('BF16', [1], [1]))],
    ['a trailing comma', '{"inputs":[],}'],
    ['NaN as Python writes it', '{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[NaN]}]}'],
    ['a byte order mark inside', '{"inputs":\ufeff[]}'],
  ])('with %s is refused', async (_name, text) => {
    await refused('vector', text, {}, /expected|served here/);
  });

  it('with unknown fields and parameters is answered, as the protocol has it', async () => {
    const body = {
      ...x('FP32', [1], [1], { parameters: { a: 1 }, b: [] }),
      parameters: { priority: 1, c: 'd', e: true },
      f: null,
    };
    expect(await echoed('vector', body)).toMatchObject([{ data: [1] }]);
  });
});
