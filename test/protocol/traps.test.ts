// What implementations of the Open Inference Protocol get wrong, by the numbers of the facts page.
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Body, binaryBody, echoFunction, infer, readAnswer } from './echo.ts';

const fetch = echoFunction();
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const x = (datatype: string, shape: unknown, data: unknown, more: object = {}) => ({
  inputs: [{ name: 'x', datatype, shape, data, ...more }],
});
const sized = (datatype: string, shape: unknown, size: unknown) =>
  x(datatype, shape, undefined, { parameters: { binary_data_size: size } });

async function refused(model: string, body: Body, headers: Record<string, string>, message: RegExp) {
  const { status, json } = await readAnswer(await fetch(infer(model, body, headers)));
  expect(json['error']).toMatch(message);
  expect({ status, ...json }).toMatchObject({ status: 400, error: expect.any(String), requestId: 'r-1' });
}

async function echoed(model: string, body: unknown, headers: Record<string, string> = {}) {
  const { status, json } = await readAnswer(await fetch(infer(model, JSON.stringify(body), headers)));
  expect({ status, json }).toMatchObject({ status: 200 });
  return json['outputs'];
}

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

describe('10: bodies, names and queries', () => {
  it('a chunked body is read whole', async () => {
    const { body, headers } = binaryBody(sized('FP32', [1], 4), floats(3));
    const chunks = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of body) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const request = new Request('https://f.example/v2/models/vector/infer', {
      method: 'POST',
      body: chunks,
      headers,
      duplex: 'half',
    });
    expect((await readAnswer(await fetch(request))).json['outputs']).toMatchObject([{ data: [3] }]);
  });

  it('a quoted name is unquoted, and a query is ignored', async () => {
    expect(await echoed('a b/ä', x('FP32', [1], [1]))).toMatchObject([{ data: [1] }]);
    const response = await fetch(new Request('https://f.example/v2/models/vector?trace=1&x=%00'));
    expect(await response.json()).toMatchObject({ name: 'vector' });
  });

  it('binary elements need no alignment', async () => {
    for (let pad = 0; pad < 9; pad++) {
      const { body, headers } = binaryBody(
        { id: '_'.repeat(pad), ...sized('FP64', [1, 1], 8) },
        new Uint8Array(Float64Array.of(pad).buffer),
      );
      expect((await readAnswer(await fetch(infer('fp64', body, headers)))).json['outputs']).toMatchObject([
        { data: [pad] },
      ]);
    }
  });
});

describe('11: outputs', () => {
  const inputs = ['FP32', 'INT8', 'BOOL'].map((name) => ({
    name,
    datatype: name,
    shape: [1, 1],
    data: [name === 'BOOL' ? true : 1],
  }));
  const others = ['UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT16', 'INT32', 'INT64', 'FP16', 'FP64', 'BYTES'];
  const all = [...inputs, ...others.map((name) => ({ name, datatype: name, shape: [0, 1], data: [] }))];
  const names = async (body: object) => {
    const { json, tail } = await readAnswer(await fetch(infer('all', JSON.stringify({ inputs: all, ...body }))));
    const outputs = json['outputs'] as { name: string; parameters?: object }[];
    return {
      names: outputs.map(({ name }) => name),
      binary: outputs.filter((o) => o.parameters).map(({ name }) => name),
      tail,
    };
  };

  it('that are not named all come', async () => {
    expect((await names({})).names).toHaveLength(13);
    expect((await names({ outputs: [] })).names).toHaveLength(13);
  });

  it('come in the order asked for, each as JSON or bytes as it says, which counts before binary_data_output', async () => {
    const outputs = [
      { name: 'INT8', parameters: { binary_data: false } },
      { name: 'BOOL' },
      { name: 'FP32', parameters: { binary_data: true } },
    ];
    const some = await names({ outputs });
    expect({ ...some, tail: some.tail.length }).toEqual({ names: ['INT8', 'BOOL', 'FP32'], binary: ['FP32'], tail: 4 });
    const most = await names({ outputs, parameters: { binary_data_output: true } });
    expect({ ...most, tail: [...most.tail] }).toEqual({
      names: ['INT8', 'BOOL', 'FP32'],
      binary: ['BOOL', 'FP32'],
      tail: [1, ...floats(1)],
    });
  });
});

describe('a raw request', () => {
  const raw = async (model: string, body: Body) =>
    await readAnswer(await fetch(infer(model, body, { 'inference-header-content-length': '0' })));

  it('is one tensor, its variable dimension told by its bytes, and all outputs are bytes', async () => {
    const { json, tail } = await raw('rows', floats(1, 2, 3, 4));
    expect(json['outputs']).toEqual([
      { name: 'y', datatype: 'FP32', shape: [2, 2], parameters: { binary_data_size: 16 } },
    ]);
    expect(tail).toEqual(Buffer.from(floats(1, 2, 3, 4)));
    expect((await raw('fixed', new Uint8Array(8))).status).toBe(200);
    expect((await raw('scalar', floats(1))).status).toBe(200);
  });

  it('of BYTES is one element without a length', async () => {
    const { json, tail } = await raw('one', Buffer.from('héllo'));
    expect(json['outputs']).toEqual([
      { name: 'y', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 10 } },
    ]);
    expect(tail.subarray(4).toString()).toBe('héllo');
  });

  it.each([
    ['rows', floats(1, 2, 3), /a multiple of 8 bytes for shape \["N",2\], got 12/],
    ['fixed', new Uint8Array(7), /expected 8 bytes/],
    ['fp32', floats(1), /at most one variable dimension/],
    ['bytes', floats(1), /at most one variable dimension/],
    ['all', floats(1), /a model of one input/],
    ['rows', new Uint8Array(), /expected a body/],
  ])('for %s is refused when its bytes cannot be told', async (model, body, message) => {
    await refused(model, body, { 'inference-header-content-length': '0' }, message);
  });
});
