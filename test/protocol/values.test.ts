// What implementations get wrong, 6 to 8: values that JSON cannot carry, or loses.
import { describe, expect, it } from 'vitest';
import { binaryBody, echoed, fetch, floats, infer, readAnswer, refused, sized, x } from './ask.ts';

describe('6: NaN and Infinity', () => {
  it('go in and out as bytes', async () => {
    const bytes = floats(Number.NaN, -Infinity, -0);
    const { body, headers } = binaryBody(
      { ...sized('FP32', [3], 12), parameters: { binary_data_output: true } },
      bytes,
    );
    expect((await readAnswer(await fetch(infer('vector', body, headers)))).tail).toEqual(Buffer.from(bytes));
  });

  it('are never null in JSON: the answer says that bytes carry them', async () => {
    const { body, headers } = binaryBody(sized('FP32', [2], 8), floats(1, Number.NaN));
    const { status, json } = await readAnswer(await fetch(infer('vector', body, headers)));
    expect({ status, json }).toMatchObject({ status: 500, json: { code: 'OUTPUT_JSON', remedy: /binary_data/ } });
  });
});

describe('7: INT64 and UINT64', () => {
  it.each([
    ['INT64', ['-9223372036854775808', '9223372036854775807', '9007199254740993', '-9007199254740993', '0', '-1']],
    ['UINT64', ['18446744073709551615', '9007199254740993', '9007199254740991', '1', '0', '10000000000000000000']],
  ])('%s is exact beyond 2⁵³, both ways', async (datatype, digits) => {
    const text = `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[1,6],"data":[${digits.join(', ')}]}]}`;
    const answer = await (await fetch(infer(datatype.toLowerCase(), text))).text();
    expect(answer).toContain(`"data":[${digits.join(',')}]`);
  });

  it.each([
    ['INT64', '9223372036854775808'],
    ['INT64', '-9223372036854775809'],
    ['INT64', '1e19'],
    ['INT64', '9007199254740993.0'],
    ['UINT64', '18446744073709551616'],
    ['UINT64', '-1'],
    ['UINT64', '9'.repeat(1_000_000)],
  ])('%s refuses %.40s', async (datatype, digits) => {
    const text = `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[1,1],"data":[${digits}]}]}`;
    await refused(datatype.toLowerCase(), text, {}, /expected a whole number from/);
  });
});

describe('8: FP16, BYTES and NUL', () => {
  it('FP16 travels as JSON and as bytes', async () => {
    expect(await echoed('fp16', x('FP16', [1, 3], [0.1, -2, 65504]))).toMatchObject([
      { datatype: 'FP16', data: [0.0999755859375, -2, 65504] },
    ]);
    const halves = new Uint8Array(Uint16Array.of(0x7e00, 0x3c00).buffer);
    const { body, headers } = binaryBody(
      { ...sized('FP16', [1, 2], 4), parameters: { binary_data_output: true } },
      halves,
    );
    expect((await readAnswer(await fetch(infer('fp16', body, headers)))).tail).toEqual(Buffer.from(halves));
  });

  const element = (bytes: Uint8Array) => Buffer.concat([Uint8Array.from([bytes.length, 0, 0, 0]), bytes]);
  const bytesOf = (...elements: Uint8Array[]) => {
    const tail = Buffer.concat(elements.map(element));
    return { json: sized('BYTES', [1, elements.length], tail.length), tail };
  };

  it('BYTES are u32 lengths and bytes, and text where they are UTF-8', async () => {
    const { json, tail } = bytesOf(Buffer.from('é'), new Uint8Array(), Buffer.from('\ufeffa'));
    const asJson = binaryBody(json, tail);
    expect((await readAnswer(await fetch(infer('bytes', asJson.body, asJson.headers)))).json['outputs']).toMatchObject([
      { data: ['é', '', '\ufeffa'] },
    ]);
    const asBytes = binaryBody({ ...json, outputs: [{ name: 'y', parameters: { binary_data: true } }] }, tail);
    expect((await readAnswer(await fetch(infer('bytes', asBytes.body, asBytes.headers)))).tail).toEqual(tail);
  });

  it.each([
    ['bytes that are not UTF-8', Uint8Array.of(0xff, 0xd8)],
    ['a NUL', Uint8Array.of(0x61, 0, 0x62)],
  ])('a model never gets %s: onnxruntime would change them', async (_name, bytes) => {
    const { json, tail } = bytesOf(bytes);
    const { body, headers } = binaryBody(json, tail);
    await refused('bytes', body, headers, /UTF-8 text without NUL/);
  });

  it.each([
    ['a length over the end', Uint8Array.of(2, 0, 0, 0, 0x61), 1],
    ['a length of 2³² − 1', Uint8Array.of(255, 255, 255, 255), 1],
    ['half a length', Uint8Array.of(1, 0), 1],
    ['fewer elements', Uint8Array.of(1, 0, 0, 0, 0x61, 0, 0, 0), 2],
    ['more elements', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0), 1],
    ['half a second length', Uint8Array.of(2, 0, 0, 0, 0x61, 0x61, 0, 0), 2],
  ])('BYTES with %s are refused', async (_name, tail, count) => {
    const { body, headers } = binaryBody(sized('BYTES', [1, count], tail.length), tail);
    await refused('bytes', body, headers, /tensor "x.*expected/);
  });
});
