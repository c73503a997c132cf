// The answers of the protocol's other calls, from what the same questions are answered over HTTP.
import { isRecord } from '../core/is-record.ts';
import { BinaryWriter, WireType } from './wire.ts';

type Write = (writer: BinaryWriter, no: number, value: unknown) => void;
/** Key in the JSON → the field's number, and how it is written. */
type Shape = Readonly<Record<string, readonly [no: number, write: Write]>>;

/** `name`, `version` and the like; empty text is what a reader takes for none. */
const string: Write = (writer, no, value) => {
  if (typeof value === 'string' && value !== '') writer.tag(no, WireType.LengthDelimited).string(value);
};
const whole: Write = (writer, no, value) => {
  if (typeof value === 'number' && value !== 0) writer.tag(no, WireType.Varint).int64(value);
};
const flag: Write = (writer, no, value) => {
  if (value === true) writer.tag(no, WireType.Varint).bool(true);
};
const strings = many(string);
const wholes: Write = (writer, no, values) => {
  if (!Array.isArray(values) || values.length === 0) return;
  writer.tag(no, WireType.LengthDelimited).fork();
  for (const value of values) writer.int64(value);
  writer.join();
};
/** Triton's DataType, in its order. */
const dataTypes = 'INVALID BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 STRING BF16'.split(
  ' ',
);
const dataType: Write = (writer, no, value) =>
  whole(writer, no, Math.max(0, dataTypes.indexOf(`${value}`.replace('TYPE_', ''))));

const tensor: Shape = { name: [1, string], datatype: [2, string], shape: [3, wholes] };
const config: Shape = {
  name: [1, string],
  platform: [2, string],
  max_batch_size: [4, whole],
  input: [5, many(message({ name: [1, string], data_type: [2, dataType], dims: [4, wholes] }))],
  output: [6, many(message({ name: [1, string], data_type: [2, dataType], dims: [3, wholes] }))],
  backend: [17, string],
};
const duration = message({ count: [1, whole], ns: [2, whole] });
const statistics: Shape = {
  name: [1, string],
  version: [2, string],
  last_inference: [3, whole],
  inference_count: [4, whole],
  execution_count: [5, whole],
  inference_stats: [
    6,
    message({
      success: [1, duration],
      fail: [2, duration],
      queue: [3, duration],
      compute_input: [4, duration],
      compute_infer: [5, duration],
      compute_output: [6, duration],
      cache_hit: [7, duration],
      cache_miss: [8, duration],
    }),
  ],
  batch_stats: [
    7,
    many(
      message({
        batch_size: [1, whole],
        compute_input: [2, duration],
        compute_infer: [3, duration],
        compute_output: [4, duration],
      }),
    ),
  ],
};

/** Each message from the JSON of the same answer. */
export const answers = {
  live: written({ live: [1, flag] }),
  ready: written({ ready: [1, flag] }),
  serverMetadata: written({ name: [1, string], version: [2, string], extensions: [3, strings] }),
  modelMetadata: written({
    name: [1, string],
    versions: [2, strings],
    platform: [3, string],
    inputs: [4, many(message(tensor))],
    outputs: [5, many(message(tensor))],
  }),
  modelConfig: written({ config: [1, message(config)] }),
  statistics: written({ model_stats: [1, many(message(statistics))] }),
  index: written({
    models: [1, many(message({ name: [1, string], version: [2, string], state: [3, string], reason: [4, string] }))],
  }),
  /** grpc.health.v1: 1 serves, 2 does not. */
  health: written({ status: [1, whole] }),
  nothing: written({}),
} as const;

function written(shape: Shape): (value: unknown) => Uint8Array {
  return (value) => {
    const writer = new BinaryWriter();
    writeFields(writer, shape, value);
    return writer.finish();
  };
}

function message(shape: Shape): Write {
  return (writer, no, value) => {
    if (value === undefined) return;
    writeFields(writer.tag(no, WireType.LengthDelimited).fork(), shape, value);
    writer.join();
  };
}

function many(write: Write): Write {
  return (writer, no, values) => {
    if (Array.isArray(values)) for (const value of values) write(writer, no, value);
  };
}

function writeFields(writer: BinaryWriter, shape: Shape, value: unknown): void {
  const record = isRecord(value) ? value : {};
  for (const [key, [no, write]] of Object.entries(shape)) write(writer, no, record[key]);
}
