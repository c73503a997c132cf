// Values inside a graph as outputs, so that a run shows them: whole, or their least and greatest alone.
import { create } from '@bufbuild/protobuf';
import { TensorProto_DataType as Type, type ValueInfoProto, ValueInfoProtoSchema } from 'onnx-buf';
import { newNode } from './new-node.ts';
import type { OnnxModel } from './read.ts';

/** Changes `model`: its outputs are the named values, of floats, and no others. */
export function exposeValues({ graph }: OnnxModel, names: readonly string[]): void {
  graph.output = names.map(floats);
}

/** Changes `model`: its outputs are `<name>/min` and `<name>/max` of each value, and no others. */
export function exposeExtremes({ graph }: OnnxModel, names: readonly string[]): void {
  graph.output = names.flatMap((name) => [floats(`${name}/min`), floats(`${name}/max`)]);
  for (const name of names) {
    graph.node.push(
      newNode('ReduceMin', [name], [`${name}/min`], { keepdims: 0 }),
      newNode('ReduceMax', [name], [`${name}/max`], { keepdims: 0 }),
    );
  }
}

/** Without a shape: the runtime infers it. */
function floats(name: string): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: Type.FLOAT } } },
  });
}
