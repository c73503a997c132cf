// Tiny models for tests: one node unless told otherwise, with whatever a test wants to be wrong.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type GraphProto,
  type GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  type TensorProtoSchema,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { writeModel } from '../../src/onnx/write.ts';

export type ModelInit = Exclude<MessageInitShape<typeof ModelProtoSchema>, ModelProto>;
export type TensorInit = Exclude<MessageInitShape<typeof TensorProtoSchema>, TensorProto>;
export type GraphInit = Exclude<MessageInitShape<typeof GraphProtoSchema>, GraphProto>;

const identity: GraphInit = {
  name: 'tiny',
  node: [{ opType: 'Identity', input: ['x'], output: ['y'] }],
  input: [value('x', ['N', 2])],
  output: [value('y', ['N', 2])],
};

/** x → Identity → y, FP32 [N, 2], opset 17. */
export function tinyModel(change: ModelInit = {}): ModelInit {
  return {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 17n }],
    graph: identity,
    ...change,
  };
}

export function bytesOf(model: ModelInit): Uint8Array {
  return writeModel(create(ModelProtoSchema, model));
}

/** A tensor-typed input or output; null leaves a dimension without a value, undefined leaves the shape out. */
export function value(name: string, shape: (number | string | null)[] | undefined, elemType: number = Type.FLOAT) {
  const dim = shape?.map((length) => {
    if (length === null) return {};
    if (typeof length === 'string') return { value: { case: 'dimParam' as const, value: length } };
    return { value: { case: 'dimValue' as const, value: BigInt(length) } };
  });
  return {
    name,
    type: { value: { case: 'tensorType' as const, value: { elemType, ...(dim ? { shape: { dim } } : {}) } } },
  };
}

/** x → Identity → y with another part of the graph. */
export function tinyGraph(change: GraphInit): ModelInit {
  return tinyModel({ graph: { ...identity, ...change } });
}
