// A ModelInferRequest as the request that it is over HTTP: JSON that says what the tensors are, and their bytes. What it may
// say, and what comes of it, is then decided in one place.
import { GlowplugError, shorten } from '../core/errors.ts';
import { contentsToBytes } from './tensor-contents.ts';
import { badMessage, eachField, type Field, WireType } from './wire.ts';

export interface InferMessage {
  readonly model: string;
  readonly version: string;
  /** The JSON that stands before the tensors. */
  readonly json: string;
  /** The tensors' bytes, in order: views of the message where they came raw. */
  readonly tensors: readonly Uint8Array[];
  /** Whether the tensors came raw: so they go back. */
  readonly raw: boolean;
}

interface Input {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly string[];
  readonly parameters: Parameters;
  readonly contents: readonly Uint8Array[];
}

/** Name → value as JSON. */
type Parameters = ReadonlyMap<string, string>;

/** Of tensors, parameters and the like in one message: each costs more than its bytes. */
const MOST = 1024;
/** More dimensions than are taken later, so that it is said there. */
const MOST_DIMENSIONS = 64;

/**
 * @param maxBytes that all tensors may take
 * @throws GlowplugError INPUT_MESSAGE, INPUT_TENSOR, INPUT_TOO_LARGE
 */
export function readInferMessage(bytes: Uint8Array, maxBytes: number): InferMessage {
  const message = { model: '', version: '', id: '' };
  const parameters = new Map<string, string>();
  const inputs: Input[] = [];
  const outputs: string[] = [];
  const raws: Uint8Array[] = [];
  eachField(bytes, (field) => {
    if (field.type !== WireType.LengthDelimited) return false;
    const { no, reader } = field;
    if (no === 1) message.model = reader.string();
    else if (no === 2) message.version = reader.string();
    else if (no === 3) message.id = reader.string();
    else if (no === 4) readParameter(parameters, reader.bytes());
    else if (no === 5) push(inputs, 'inputs', readInput(reader.bytes()));
    else if (no === 6) push(outputs, 'outputs', readOutput(reader.bytes()));
    else if (no === 7) push(raws, 'raw_input_contents', reader.bytes());
    else return false;
    return true;
  });
  const tensors = tensorsOf(inputs, raws, maxBytes);
  // All as bytes: it is what a message carries.
  parameters.set('binary_data_output', 'true');
  const heads = inputs.map(({ name, datatype, shape, parameters: own }, at) => {
    const withSize = new Map(own).set('binary_data_size', `${tensors[at]!.byteLength}`);
    const head = `"name":${text(name)},"datatype":${text(datatype)},"shape":[${shape.join(',')}]`;
    return `{${head},"parameters":${object(withSize)}}`;
  });
  const id = message.id === '' ? '' : `"id":${text(message.id)},`;
  const asked = outputs.length === 0 ? '' : `,"outputs":[${outputs.join(',')}]`;
  const json = `{${id}"parameters":${object(parameters)},"inputs":[${heads.join(',')}]${asked}}`;
  return { model: message.model, version: message.version, json, tensors, raw: raws.length > 0 };
}

function tensorsOf(inputs: readonly Input[], raws: readonly Uint8Array[], maxBytes: number): readonly Uint8Array[] {
  if (raws.length === 0) {
    let left = maxBytes;
    return inputs.map(({ name, datatype, contents }) => {
      const bytes = contentsToBytes(name, datatype, contents, left);
      left -= bytes.byteLength;
      return bytes;
    });
  }
  const typed = inputs.find(({ contents }) => contents.some((part) => part.byteLength > 0));
  if (typed) {
    throw new GlowplugError(
      'INPUT_TENSOR',
      `input ${shorten(typed.name)}: expected no contents beside raw_input_contents`,
      {
        remedy: 'Send every tensor raw, or every tensor with contents.',
      },
    );
  }
  if (raws.length === inputs.length) return raws;
  throw new GlowplugError(
    'INPUT_TENSOR',
    `expected raw_input_contents for each of ${inputs.length} inputs, got ${raws.length}`,
  );
}

function readInput(bytes: Uint8Array): Input {
  const input = { name: '', datatype: '' };
  const shape: string[] = [];
  const parameters = new Map<string, string>();
  const contents: Uint8Array[] = [];
  eachField(bytes, (field) => {
    const { no, type, reader } = field;
    if (no === 3) {
      readShape(shape, field);
      return true;
    }
    if (type !== WireType.LengthDelimited) return false;
    if (no === 1) input.name = reader.string();
    else if (no === 2) input.datatype = reader.string();
    else if (no === 4) readParameter(parameters, reader.bytes());
    else if (no === 5) push(contents, 'contents', reader.bytes());
    else return false;
    return true;
  });
  return { ...input, shape, parameters, contents };
}

/** As JSON. Whether it comes as bytes is not the client's to say. */
function readOutput(bytes: Uint8Array): string {
  let name = '';
  const parameters = new Map<string, string>();
  eachField(bytes, ({ no, type, reader }) => {
    if (type !== WireType.LengthDelimited) return false;
    if (no === 1) name = reader.string();
    else if (no === 2) readParameter(parameters, reader.bytes());
    else return false;
    return true;
  });
  parameters.delete('binary_data');
  return `{"name":${text(name)},"parameters":${object(parameters)}}`;
}

function readShape(shape: string[], { type, reader }: Field): void {
  if (type !== WireType.Varint && type !== WireType.LengthDelimited) {
    throw badMessage('whole numbers as a shape', `wire type ${type}`);
  }
  const end = type === WireType.Varint ? reader.pos + 1 : reader.uint32() + reader.pos;
  while (reader.pos < end) {
    if (shape.length >= MOST_DIMENSIONS) {
      throw new GlowplugError('INPUT_TENSOR', `expected at most ${MOST_DIMENSIONS} dimensions, got more`);
    }
    shape.push(`${reader.int64()}`);
  }
}

/** An entry of the map: key, and a value of one of five kinds. */
function readParameter(parameters: Map<string, string>, bytes: Uint8Array): void {
  let key = '';
  let value: string | undefined;
  eachField(bytes, ({ no, type, reader }) => {
    if (type !== WireType.LengthDelimited) return false;
    if (no === 1) key = reader.string();
    else if (no === 2) value = readChoice(reader.bytes());
    else return false;
    return true;
  });
  if (value === undefined) return;
  if (parameters.size >= MOST) throw badMessage(`at most ${MOST} parameters`, 'more');
  parameters.set(key, value);
}

function readChoice(bytes: Uint8Array): string | undefined {
  let value: string | undefined;
  eachField(bytes, ({ no, type, reader }) => {
    if (no === 1 && type === WireType.Varint) value = `${reader.bool()}`;
    else if (no === 2 && type === WireType.Varint) value = `${reader.int64()}`;
    else if (no === 3 && type === WireType.LengthDelimited) value = text(reader.string());
    else if (no === 4 && type === WireType.Bit64) value = finite(reader.double());
    else if (no === 5 && type === WireType.Varint) value = `${reader.uint64()}`;
    else return false;
    return true;
  });
  return value;
}

function finite(value: number): string {
  if (Number.isFinite(value)) return JSON.stringify(value);
  throw badMessage('a finite number as a parameter', `${value}`);
}

function push<T>(list: T[], what: string, value: T): void {
  if (list.length >= MOST) throw badMessage(`at most ${MOST} ${what}`, 'more');
  list.push(value);
}

function text(value: string): string {
  return JSON.stringify(value);
}

function object(parameters: Parameters): string {
  return `{${[...parameters].map(([name, value]) => `${text(name)}:${value}`).join(',')}}`;
}
