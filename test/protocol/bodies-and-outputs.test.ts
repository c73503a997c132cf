// What implementations get wrong, 10 and 11: bodies, names and outputs; and raw requests.
import { describe, expect, it } from 'vitest';
import { type Body, binaryBody, echoed, fetch, floats, infer, readAnswer, refused, sized, x } from './ask.ts';

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
