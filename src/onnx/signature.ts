// The signature of a model, read from its file alone; the same as onnxruntime tells of a loaded session.
import { type TensorShapeProto, TensorProto_DataType as Type, type ValueInfoProto } from 'onnx-buf';
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Datatype, Dimension, Signature, TensorSpec } from '../core/signature.ts';
import { type OnnxModel, readModel } from './read.ts';

const datatypes: ReadonlyMap<number, Datatype> = new Map([
  [Type.BOOL, 'BOOL'],
  [Type.UINT8, 'UINT8'],
  [Type.UINT16, 'UINT16'],
  [Type.UINT32, 'UINT32'],
  [Type.UINT64, 'UINT64'],
  [Type.INT8, 'INT8'],
  [Type.INT16, 'INT16'],
  [Type.INT32, 'INT32'],
  [Type.INT64, 'INT64'],
  [Type.FLOAT16, 'FP16'],
  [Type.FLOAT, 'FP32'],
  [Type.DOUBLE, 'FP64'],
  [Type.STRING, 'BYTES'],
]);

/**
 * Names, element types and shapes of a model's inputs and outputs. Initialisers that are listed as inputs, as IR
 * version 3 wanted it, are none.
 *
 * @throws GlowplugError MODEL_INVALID, MODEL_UNSUPPORTED (no tensor, an element type without a protocol name, no rank)
 * @example
 * readSignature(readFileSync('iris.onnx')).inputs; // { x: { datatype: 'FP32', shape: ['N', 4] } }
 */
export function readSignature(bytes: Uint8Array): Signature {
  return signatureOf(readModel(bytes));
}

/** As `readSignature`, of a model that was read already. */
export function signatureOf(model: OnnxModel): Signature {
  return {
    inputs: specs('input', graphInputs(model)),
    outputs: specs('output', model.graph.output),
  };
}

/** The inputs that a caller gives: those listed, without the initialisers. */
function graphInputs({ graph }: OnnxModel): ValueInfoProto[] {
  const initialised = new Set(graph.initializer.map(({ name }) => name));
  for (const { values } of graph.sparseInitializer) if (values) initialised.add(values.name);
  return graph.input.filter(({ name }) => !initialised.has(name));
}

/** Element type by its protocol name, else as ONNX calls it. */
export function typeName(elemType: number): string {
  return datatypes.get(elemType) ?? Type[elemType] ?? `type ${elemType}`;
}

/** `dim_param` is the name of a free dimension; without one it is `?`. */
export function dimensions(shape: TensorShapeProto): Dimension[] {
  return shape.dim.map(({ value }) => {
    if (value.case === 'dimParam') return value.value || '?';
    // A negative length is how some exporters write a free one.
    if (value.case !== 'dimValue' || value.value < 0n) return '?';
    if (value.value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value.value);
    throw new GlowplugError('MODEL_INVALID', `expected dimensions below 2⁵³, got ${value.value}`);
  });
}

function specs(kind: 'input' | 'output', values: readonly ValueInfoProto[]): Record<string, TensorSpec> {
  const entries = values.map((value) => [value.name, spec(`${kind} ${shorten(value.name)}`, kind, value)] as const);
  const result = Object.fromEntries(entries);
  if (Object.keys(result).length === values.length) return result;
  throw new GlowplugError('MODEL_INVALID', `expected a name of its own for each ${kind}, got one twice`);
}

function spec(label: string, kind: 'input' | 'output', { name, type }: ValueInfoProto): TensorSpec {
  if (name === '') throw new GlowplugError('MODEL_INVALID', `expected a name for each ${kind}, got an empty one`);
  if (type?.value.case !== 'tensorType') {
    const came = type?.value.case?.replace(/Type$/, '') ?? 'no type';
    throw new GlowplugError('MODEL_UNSUPPORTED', `${label}: expected a tensor, got ${came}`);
  }
  const { elemType, shape } = type.value.value;
  const datatype = datatypes.get(elemType);
  if (!datatype) {
    throw new GlowplugError(
      'MODEL_UNSUPPORTED',
      `${label}: expected an element type of the protocol, got ${typeName(elemType)}`,
    );
  }
  if (!shape && kind === 'input') {
    throw new GlowplugError(
      'MODEL_UNSUPPORTED',
      `${label}: expected a shape, got none, so that requests cannot be checked`,
      {
        remedy: 'Export the model with the shapes of its inputs; dimensions may be free.',
      },
    );
  }
  // An output's rank is told by the run; onnxruntime, too, answers with an empty shape for one that is not known.
  return { datatype, shape: shape ? dimensions(shape) : [] };
}
