// An inference's answer as a ModelInferResponse: the JSON of the HTTP answer and the bytes after it, as a gRPC client takes them.
import { isRecord } from '../core/is-record.ts';
import { decodeBinary } from '../tensor/binary.ts';
import { tensorToContents } from './tensor-contents.ts';
import { BinaryWriter, WireType } from './wire.ts';

interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * @param tail what follows the JSON: the bytes of every output, in their order
 * @param raw how the outputs go back; FP16 has no typed contents, and then all go back raw
 */
export function writeInferAnswer(json: string, tail: Uint8Array, raw: boolean): Uint8Array {
  const head: unknown = JSON.parse(json);
  const { model_name = '', model_version = '', id = '', outputs: listed } = isRecord(head) ? head : {};
  const outputs = readOutputs(Array.isArray(listed) ? listed : [], tail);
  const asRaw = raw || outputs.some(({ datatype }) => datatype === 'FP16');
  const writer = new BinaryWriter();
  text(writer, 1, model_name);
  text(writer, 2, model_version);
  text(writer, 3, id);
  for (const output of outputs) writeOutput(writer.tag(5, WireType.LengthDelimited).fork(), output, asRaw).join();
  if (asRaw) for (const { bytes } of outputs) writer.tag(6, WireType.LengthDelimited).bytes(bytes);
  return writer.finish();
}

function writeOutput(writer: BinaryWriter, { name, datatype, shape, bytes }: Output, asRaw: boolean): BinaryWriter {
  text(writer, 1, name);
  text(writer, 2, datatype);
  writer.tag(3, WireType.LengthDelimited).fork();
  for (const length of shape) writer.int64(length);
  writer.join();
  const tensor = asRaw ? undefined : decodeBinary(name, datatype, shape, bytes);
  if (tensor && tensor.datatype !== 'FP16') writer.tag(5, WireType.LengthDelimited).bytes(tensorToContents(tensor));
  return writer;
}

/** Empty text is what a reader takes for none. */
function text(writer: BinaryWriter, no: number, value: unknown): void {
  if (typeof value === 'string' && value !== '') writer.tag(no, WireType.LengthDelimited).string(value);
}

function readOutputs(listed: readonly unknown[], tail: Uint8Array): Output[] {
  let at = 0;
  return listed.map((output) => {
    // Our own answer: the shapes and sizes are what infer-response.ts wrote.
    const { name, datatype, shape, parameters } = Object(output);
    const size = Number(parameters.binary_data_size);
    at += size;
    return { name, datatype, shape, bytes: tail.subarray(at - size, at) };
  });
}
