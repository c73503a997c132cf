// x · clip(x + 3, 0, 6) / 6, four passes over memory as Paddle and old PyTorch exporters write it, becomes
// x · HardSigmoid(x), two, which onnxruntime does not do by itself (1.30).
import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { attributeOf } from '../../onnx/attributes.ts';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { readTensor } from '../../onnx/tensor-values.ts';
import { removeDead } from './remove-dead.ts';
import { freshNames, mapGraphs } from './scope.ts';

/** Not equal to the last bit: a sixth is rounded once more. Constants must be initialisers (`ownConstants`). */
export function fuseHardSwish(model: OnnxModel): OnnxModel {
  const fresh = freshNames(model.graph);
  return removeDead(mapGraphs(model, (graph) => fused(graph, fresh)));
}

function fused(graph: GraphProto, fresh: (name: string) => string): GraphProto {
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node])));
  const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const scalar = (name: string | undefined): number | undefined => {
    const tensor = name === undefined ? undefined : tensors.get(name);
    const data = tensor?.dataType === Type.FLOAT ? readTensor(tensor)?.data : undefined;
    return data?.length === 1 ? Number(data[0]) : undefined;
  };
  /** The other input of a node of two, one of which is this scalar. */
  const beside = (node: NodeProto | undefined, opType: string, value: number): string | undefined => {
    if (node?.opType !== opType || node.domain !== '') return undefined;
    const [a, b] = node.input;
    if (scalar(b) === value) return a;
    return opType === 'Add' && scalar(a) === value ? b : undefined;
  };
  /** x of clip(x + 3, 0, 6). */
  const clipped = (name: string | undefined): string | undefined => {
    const node = makers.get(name ?? '');
    if (node?.opType !== 'Clip') return undefined;
    const [from, min, max] = node.input;
    const low = attributeOf(node, 'min')?.f ?? scalar(min);
    const high = attributeOf(node, 'max')?.f ?? scalar(max);
    return low === 0 && high === 6 ? beside(makers.get(from ?? ''), 'Add', 3) : undefined;
  };
  /** x of x · clip(x + 3, 0, 6) / 6, in either order. */
  const swished = (node: NodeProto): string | undefined => {
    const product = node.opType === 'Div' ? makers.get(beside(node, 'Div', 6) ?? '') : node;
    if (product?.opType !== 'Mul') return undefined;
    for (const [x, gate] of [product.input, product.input.toReversed()]) {
      const from = clipped(node.opType === 'Div' ? gate : beside(makers.get(gate ?? ''), 'Div', 6));
      if (from !== undefined && from === x) return x;
    }
    return undefined;
  };
  const node = graph.node.flatMap((one) => {
    const x = swished(one);
    if (x === undefined) return one;
    const gate = fresh(`${one.output[0]}_gate`);
    return [
      hardSigmoid(x, gate),
      create(NodeProtoSchema, { opType: 'Mul', name: one.name, input: [x, gate], output: one.output }),
    ];
  });
  return node.length === graph.node.length ? graph : changed(graph, { node });
}

function hardSigmoid(from: string, to: string): NodeProto {
  const attribute = Object.entries({ alpha: 1 / 6, beta: 0.5 }).map(([name, f]) =>
    create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f }),
  );
  return create(NodeProtoSchema, { opType: 'HardSigmoid', name: to, input: [from], output: [to], attribute });
}
