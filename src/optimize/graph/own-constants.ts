// Brings constants into the one form that the passes read: initialisers that nobody can override.
import { create } from '@bufbuild/protobuf';
import {
  type GraphProto,
  type NodeProto,
  type TensorProto,
  TensorProtoSchema,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { mapGraphs } from './scope.ts';

/**
 * Constant nodes become initialisers. Initialisers that are listed as inputs, as IR version 3 wanted it and as glowplug
 * never feeds them, are taken off the inputs; the IR version is at least 4 after it, which allows that.
 */
export function ownConstants(model: OnnxModel): OnnxModel {
  const irVersion = model.irVersion < 4n ? 4n : model.irVersion;
  return changed(mapGraphs(model, lift), { irVersion });
}

function lift(graph: GraphProto): GraphProto {
  const outputs = new Set(graph.output.map(({ name }) => name));
  const initializer = [...graph.initializer];
  const node = graph.node.filter((one) => {
    // An output that is an initialiser is legal, and rare enough to be left as it is.
    const name = one.output[0];
    const value = name !== undefined && !outputs.has(name) ? constantOf(one) : undefined;
    if (!name || !value) return true;
    initializer.push(changed(value, { name }));
    return false;
  });
  const own = new Set(initializer.map(({ name }) => name));
  return changed(graph, { node, initializer, input: graph.input.filter(({ name }) => !own.has(name)) });
}

/** The tensor of a Constant node; text and sparse ones stay nodes. */
function constantOf({ opType, domain, attribute }: NodeProto): TensorProto | undefined {
  const [value] = attribute;
  if (opType !== 'Constant' || (domain !== '' && domain !== 'ai.onnx') || !value || attribute.length !== 1)
    return undefined;
  switch (value.name) {
    case 'value':
      return value.t;
    case 'value_float':
      return create(TensorProtoSchema, { dataType: Type.FLOAT, floatData: [value.f] });
    case 'value_floats':
      return create(TensorProtoSchema, {
        dataType: Type.FLOAT,
        dims: [BigInt(value.floats.length)],
        floatData: value.floats,
      });
    case 'value_int':
      return create(TensorProtoSchema, { dataType: Type.INT64, int64Data: [value.i] });
    case 'value_ints':
      return create(TensorProtoSchema, {
        dataType: Type.INT64,
        dims: [BigInt(value.ints.length)],
        int64Data: value.ints,
      });
    default:
      return undefined;
  }
}
