// What the models that this repository makes itself are put together from: nodes, weights, inputs and outputs.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type GraphProto,
  type GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type NodeProto,
  type NodeProtoSchema,
  type TensorProto,
  type TensorProtoSchema,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { writeModel } from '../../src/onnx/write.ts';

export { Type };

export type Graph = Exclude<MessageInitShape<typeof GraphProtoSchema>, GraphProto>;
export type Node = Exclude<MessageInitShape<typeof NodeProtoSchema>, NodeProto>;
export type Weight = Exclude<MessageInitShape<typeof TensorProtoSchema>, TensorProto>;

interface Written {
  /** The script that makes it. */
  readonly producer: string;
  readonly about: string;
  readonly opset: number;
  readonly ir: number;
  readonly graph: Graph;
}

/** The bytes of a model: the same for the same parts. */
export function modelBytes({ producer, about, opset, ir, graph }: Written): Uint8Array {
  return writeModel(
    create(ModelProtoSchema, {
      irVersion: BigInt(ir),
      opsetImport: [{ domain: '', version: BigInt(opset) }],
      producerName: producer,
      docString: about,
      graph,
    }),
  );
}

/** A node of one output, named for it; attributes are whole numbers, or lists of them. */
export function node(
  opType: string,
  input: string[],
  output: string,
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
): Node {
  const attribute = Object.entries(attributes).map(([name, value]) =>
    typeof value === 'number'
      ? { name, type: Kind.INT, i: BigInt(value) }
      : { name, type: Kind.INTS, ints: value.map(BigInt) },
  );
  return { name: output, opType, input, output: [output], attribute };
}

export function floats(name: string, dims: readonly number[], values: ArrayLike<number>): Weight {
  const rawData = new Uint8Array(values.length * 4);
  const view = new DataView(rawData.buffer);
  // ONNX is little-endian on every machine.
  for (let at = 0; at < values.length; at++) view.setFloat32(at * 4, values[at]!, true);
  return { name, dims: dims.map(BigInt), dataType: Type.FLOAT, rawData };
}

export function integers(name: string, dims: readonly number[], values: readonly number[]): Weight {
  const rawData = new Uint8Array(values.length * 8);
  const view = new DataView(rawData.buffer);
  for (const [at, value] of values.entries()) view.setBigInt64(at * 8, BigInt(value), true);
  return { name, dims: dims.map(BigInt), dataType: Type.INT64, rawData };
}

/** An input or output; a name is a free dimension. */
export function value(name: string, elemType: number, shape: readonly (number | string)[]) {
  const dim = shape.map((length) =>
    typeof length === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(length) } }
      : { value: { case: 'dimParam' as const, value: length } },
  );
  return { name, type: { value: { case: 'tensorType' as const, value: { elemType, shape: { dim } } } } };
}
