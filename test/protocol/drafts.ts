// Random inference requests with the answer that each must get, and what can be done to one so that it must be refused.
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type Datatype, datatypes } from '../../src/core/signature.ts';
import { elementBytes } from '../../src/tensor/binary.ts';

/** V8 has it; TypeScript's library does not yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** A request before it is written down. */
export interface Draft {
  readonly datatype: Datatype;
  readonly count: number;
  /** The elements as the protocol's bytes: what the echo must answer. */
  readonly bytes: Buffer;
  model: string;
  method: string;
  query: string;
  // biome-ignore lint/suspicious/noExplicitAny: the mutations below make it whatever a client may send
  json: any;
  tail: Buffer;
  headers: Record<string, string>;
  /** After everything else: what travels. */
  pack(body: Buffer): Buffer;
  /** The number of bytes that the header says are JSON; undefined leaves it out. */
  headerLength(json: Buffer): string | undefined;
}

const text = fc.string({ unit: 'grapheme', maxLength: 6 }).filter((it) => it.isWellFormed() && !it.includes('\0'));

const elements: Record<Datatype, fc.Arbitrary<unknown>> = {
  BOOL: fc.boolean(),
  UINT8: fc.integer({ min: 0, max: 0xff }),
  UINT16: fc.integer({ min: 0, max: 0xffff }),
  UINT32: fc.integer({ min: 0, max: 0xffffffff }),
  UINT64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  INT8: fc.integer({ min: -0x80, max: 0x7f }),
  INT16: fc.integer({ min: -0x8000, max: 0x7fff }),
  INT32: fc.integer(),
  INT64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  FP16: fc.integer({ min: 0, max: 0x7bff }).map(halfOf),
  FP32: fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  FP64: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  BYTES: text,
};

/** As the wire has it; DataView writes little-endian when told to. */
export function toBytes(datatype: Datatype, values: readonly unknown[]): Buffer {
  if (datatype === 'BYTES') {
    return Buffer.concat(
      values.flatMap((value) => {
        const bytes = Buffer.from(String(value));
        const length = Buffer.alloc(4);
        length.writeUInt32LE(bytes.length);
        return [length, bytes];
      }),
    );
  }
  const size = elementBytes(datatype);
  const view = new DataView(new ArrayBuffer(values.length * size));
  for (const [i, value] of values.entries()) write(view, datatype, i * size, value);
  return Buffer.from(view.buffer);
}

function write(view: DataView, datatype: Exclude<Datatype, 'BYTES'>, at: number, value: unknown): void {
  if (datatype === 'INT64') view.setBigInt64(at, BigInt(value as bigint), true);
  else if (datatype === 'UINT64') view.setBigUint64(at, BigInt(value as bigint), true);
  else if (datatype === 'FP16') view.setFloat16(at, Number(value), true);
  else if (datatype === 'FP32') view.setFloat32(at, Number(value), true);
  else if (datatype === 'FP64') view.setFloat64(at, Number(value), true);
  else if (datatype === 'INT8') view.setInt8(at, Number(value));
  else if (datatype === 'INT16') view.setInt16(at, Number(value), true);
  else if (datatype === 'INT32') view.setInt32(at, Number(value), true);
  else if (datatype === 'UINT16') view.setUint16(at, Number(value), true);
  else if (datatype === 'UINT32') view.setUint32(at, Number(value), true);
  else view.setUint8(at, Number(value));
}

function halfOf(bits: number): number {
  return new DataView(Uint16Array.of(bits).buffer).getFloat16(0, true);
}

/** As a client writes it. */
const plainDrafts: fc.Arbitrary<Draft> = fc
  .record({
    datatype: fc.constantFrom(...datatypes),
    rows: fc.nat(3),
    columns: fc.nat(3),
    binary: fc.boolean(),
    binaryAnswer: fc.boolean(),
    nested: fc.boolean(),
  })
  .chain(({ datatype, rows, columns, binary, binaryAnswer, nested }) => {
    const count = rows * columns;
    return fc.array(elements[datatype], { minLength: count, maxLength: count }).map((values) => {
      const bytes = toBytes(datatype, values);
      const data = nested && count > 0 ? chunks(values, columns) : values;
      const input = { name: 'x', datatype, shape: [rows, columns] };
      return {
        datatype,
        count,
        bytes,
        model: datatype.toLowerCase(),
        method: 'POST',
        query: '',
        json: {
          inputs: [binary ? { ...input, parameters: { binary_data_size: bytes.length } } : { ...input, data }],
          ...(binaryAnswer ? { parameters: { binary_data_output: true } } : {}),
        },
        tail: binary ? bytes : Buffer.alloc(0),
        headers: {},
        pack: (body) => body,
        headerLength: (json) => (binary ? `${json.length}` : undefined),
      } satisfies Draft;
    });
  });

/** Answers false where it does not apply. */
export type Change = (draft: Draft) => boolean;

/** What leaves a request as good as it was. */
const harmless: readonly Change[] = [
  change((draft) => Object.assign(draft.json, { unknown: [{}], '': null })),
  change((draft) => Object.assign(draft.json.inputs[0], { unknown: { deep: [[]] } })),
  change(({ json }) => Object.assign(json, { parameters: { ...json.parameters, priority: 3, a: 'b', c: true } })),
  ...set(body, 'id', ['[{"\\ä\u2028', '']),
  ...set(body, 'outputs', [[{ name: 'y' }], []]),
  ...set(draftItself, 'query', ['?trace=%00&a=b']),
  change(({ headers }) => Object.assign(headers, { 'content-type': 'application/octet-stream', accept: '*/*' })),
];

/** Compressed now and then: that takes as long as all the rest. */
const packings: readonly Change[] = [
  change((draft) => compress(draft, 'gzip', gzipSync)),
  change((draft) => compress(draft, 'deflate', deflateSync)),
  ...Array.from({ length: 14 }, () => change(() => {})),
];

/** A request that must be answered. */
export const drafts: fc.Arbitrary<Draft> = fc
  .tuple(plainDrafts, fc.subarray([...harmless]), fc.constantFrom(...packings))
  .map(([draft, changes, pack]) => {
    for (const apply of [...changes, pack]) apply(draft);
    return draft;
  });

/** What a request must be refused for. */
export const harmful: readonly Change[] = [
  ...set(body, 'inputs', [undefined, null, {}, [], [null], [[]], 'x', 1]),
  ...set(body, 'id', [1, {}, null, []]),
  ...set(body, 'parameters', [[], 'a', 1, null, { a: null }, { a: [] }, { binary_data_output: 1 }]),
  ...set(body, 'outputs', [{}, 'y', [1], [{}], [{ name: 1 }], [{ name: 'z' }], [{ name: '__proto__' }]]),
  ...set(body, 'outputs', [[{ name: 'y' }, { name: 'y' }], [{ name: 'y', parameters: [] }]]),
  ...set(body, 'outputs', [[{ name: 'y', parameters: { classification: 1 } }]]),
  ...set(body, 'outputs', [[{ name: 'y', parameters: { shared_memory_region: 'a' } }]]),
  ...set(body, 'outputs', [[{ name: 'y', parameters: { binary_data: 'true' } }]]),
  ...set(body, 'unknown', [nest(41)]),
  ...set(draftItself, 'json', [nest(100), null, 1, 'x', []]),
  ...set(input, 'name', [undefined, '', 1, null, 'z', '__proto__', 'constructor']),
  ...set(input, 'datatype', [undefined, 'BF16', 'fp32', '', 1, null, 'constructor']),
  change((draft) => {
    draft.json.inputs[0].datatype = datatypes[(datatypes.indexOf(draft.datatype) + 1) % datatypes.length];
  }),
  ...set(input, 'shape', [undefined, null, 'x', [-1, -1], [1.5, 1], [2 ** 53, 1], [null], [7, 7]]),
  ...set(input, 'shape', [
    [2 ** 40, 2 ** 40],
    [0, 2 ** 40, 2 ** 40],
  ]),
  change((draft) => draft.json.inputs[0].shape.push(1)),
  change((draft) => draft.json.inputs.push(draft.json.inputs[0])),
  change((draft) => draft.json.inputs.push({ name: 'z', datatype: 'FP32', shape: [0], data: [] })),
  ...set(inputAsJson, 'data', [undefined, null, {}, '', 1, [[[]]], [undefined], [{}], ['\ud800', 1]]),
  ...set(inputAsBytes, 'data', [[], null, 1]),
  // JSON has null for the last two.
  ...set(lastElement, 'value', [null, {}, [], Number.NaN, Number.POSITIVE_INFINITY]),
  change((draft) => inputAsJson(draft)?.data.push(0) !== undefined),
  ...[-1, 1, 0.5, 2 ** 53].flatMap((by) =>
    change((draft) => {
      const parameters = inputAsBytes(draft)?.parameters;
      if (parameters) parameters.binary_data_size += by;
      return parameters !== undefined;
    }),
  ),
  ...set((draft) => inputAsBytes(draft)?.parameters, 'binary_data_size', ['0', true, null, [0], {}]),
  change((draft) => {
    draft.tail = Buffer.concat([draft.tail, Buffer.of(0)]);
  }),
  change((draft) => {
    draft.tail = draft.tail.subarray(1);
    return draft.bytes.length > 0 && inputAsBytes(draft) !== undefined;
  }),
  ...['x', '-1', '1.5', '', '99999999999', '1e1', '2147483648'].flatMap((length) =>
    set(draftItself, 'headerLength', [() => length]),
  ),
  ...[-1, 1].flatMap((by) => set(draftItself, 'headerLength', [(json: Buffer) => `${json.length + by}`])),
  ...['br', 'gzip', 'deflate', 'gzip, gzip'].map((encoding) =>
    change((draft) => compress(draft, encoding, (it) => it)),
  ),
  ...set(draftItself, 'model', ['nobody', '../..', 'a/infer', '\0']),
  ...set(draftItself, 'method', ['PUT', 'DELETE', 'PATCH']),
  ...set(draftItself, 'pack', [() => Buffer.alloc(0)]),
];

function change(work: (draft: Draft) => unknown): Change {
  return (draft) => work(draft) !== false;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a client may send
function set(object: (draft: Draft) => any, key: string, values: readonly unknown[]): Change[] {
  return values.map((value) => (draft) => {
    const target = object(draft);
    if (target !== undefined) target[key] = value;
    return target !== undefined;
  });
}

function draftItself(draft: Draft) {
  return draft;
}

function body(draft: Draft) {
  return draft.json;
}

function input(draft: Draft) {
  return draft.json.inputs[0];
}

function inputAsJson(draft: Draft) {
  return 'data' in input(draft) ? input(draft) : undefined;
}

function inputAsBytes(draft: Draft) {
  return 'data' in input(draft) ? undefined : input(draft);
}

/** Its `value` is the last element of the data, or the last row. */
function lastElement(draft: Draft) {
  const data = inputAsJson(draft)?.data;
  if (!data?.length) return undefined;
  return {
    set value(value: unknown) {
      data[data.length - 1] = value;
    },
  };
}

/** The bytes of the body, and the headers. */
export function writeDraft(draft: Draft): { body: Buffer; headers: Record<string, string> } {
  const json = Buffer.from(
    JSON.stringify(draft.json, (_key, value) => (typeof value === 'bigint' ? rawJSON(`${value}`) : value)) ?? '',
  );
  const length = draft.headerLength(json);
  return {
    body: draft.pack(Buffer.concat([json, draft.tail])),
    headers: { ...draft.headers, ...(length === undefined ? {} : { 'inference-header-content-length': length }) },
  };
}

function compress(draft: Draft, encoding: string, pack: (body: Buffer) => Buffer): void {
  draft.headers['content-encoding'] = encoding;
  draft.pack = pack;
}

function chunks(values: readonly unknown[], length: number): unknown[][] {
  return Array.from({ length: values.length / length }, (_, i) => values.slice(i * length, (i + 1) * length));
}

function nest(levels: number): unknown {
  let value: unknown = [];
  for (let i = 1; i < levels; i++) value = [value];
  return value;
}
