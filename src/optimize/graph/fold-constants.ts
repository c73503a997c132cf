// Computes ahead of time what is the same for every input: chains of Shape, Gather and Concat, transposed or cut weights.
import { toBinary } from '@bufbuild/protobuf';
import { type GraphProto, type NodeProto, NodeProtoSchema, type TensorProto, TensorProtoSchema } from 'onnx-buf';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { makeTensor } from '../../onnx/tensor-values.ts';
import { inferShapes } from './infer-shapes.ts';
import { removeDead } from './remove-dead.ts';
import { mapGraphs, needs } from './scope.ts';
import type { ValueType } from './value-type.ts';

/** A constant that takes no more than this ties nothing together: every chain uses some 0 or 1. */
const SMALL = 64;

/**
 * Nodes whose output is constant become initialisers, bit for bit what they would have computed. The file does not
 * grow: nodes that hang together are folded only where their results take no more than they and the constants that
 * nobody else needs.
 */
export function foldConstants(model: OnnxModel): OnnxModel {
  const { graphs } = inferShapes(model);
  return removeDead(mapGraphs(model, (graph, original) => fold(graph, graphs.get(original) ?? new Map())));
}

function fold(graph: GraphProto, types: ReadonlyMap<string, ValueType>): GraphProto {
  const outputs = new Set(graph.output.map(({ name }) => name));
  const constant = new Set(graph.node.filter((node) => isConstant(node, types, outputs)));
  if (constant.size === 0) return graph;
  const users = usersOf(graph);
  const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const gone = new Set<NodeProto>();
  const made: TensorProto[] = [];
  for (const group of groups(constant, tensors, users)) {
    const results = [...group]
      .map(({ output: [name] }) => name!)
      .filter((name) => users.get(name)?.some((user) => !group.has(user)))
      .map((name) => makeTensor(name, types.get(name)!.constant!));
    if (size(results) > weightOf(group, tensors, users)) continue;
    for (const node of group) gone.add(node);
    made.push(...results);
  }
  if (gone.size === 0) return graph;
  return changed(graph, {
    node: graph.node.filter((node) => !gone.has(node)),
    initializer: [...graph.initializer, ...made],
  });
}

/** An output of the graph keeps its node, so that every output stays one that a node makes. */
function isConstant(node: NodeProto, types: ReadonlyMap<string, ValueType>, outputs: ReadonlySet<string>): boolean {
  const [name] = node.output;
  if (!name || node.output.length !== 1 || outputs.has(name) || node.opType === 'Constant') return false;
  return types.get(name)?.constant !== undefined;
}

/** Constant nodes that take from one another, or from one large constant. */
function groups(
  constant: ReadonlySet<NodeProto>,
  tensors: ReadonlyMap<string, TensorProto>,
  users: ReadonlyMap<string, readonly NodeProto[]>,
): Set<NodeProto>[] {
  const maker = new Map([...constant].map((node) => [node.output[0], node]));
  const left = new Set(constant);
  const found: Set<NodeProto>[] = [];
  for (const first of constant) {
    if (!left.delete(first)) continue;
    const group = new Set([first]);
    for (const node of group) {
      const ties = node.input.filter((name) => (tensors.get(name)?.rawData.length ?? 0) > SMALL);
      const near = [...ties, ...node.output].flatMap((name) => users.get(name) ?? []);
      for (const other of [...near, ...node.input.map((name) => maker.get(name))]) {
        if (other && left.delete(other)) group.add(other);
      }
    }
    found.push(group);
  }
  return found;
}

/** Bytes in the file that go when the group does: its nodes, and the constants that only it needs. */
function weightOf(
  group: ReadonlySet<NodeProto>,
  tensors: ReadonlyMap<string, TensorProto>,
  users: ReadonlyMap<string, readonly NodeProto[]>,
): number {
  const names = new Set([...group].flatMap(({ input }) => input));
  const freed = [...names].flatMap((name) => {
    const tensor = tensors.get(name);
    return tensor && users.get(name)?.every((user) => group.has(user)) ? tensor : [];
  });
  return size(freed) + [...group].reduce((sum, node) => sum + toBinary(NodeProtoSchema, node).length, 0);
}

/** As the file has them; the elements are counted, not written. */
function size(tensors: readonly TensorProto[]): number {
  return tensors.reduce((sum, tensor) => {
    const rest = changed(tensor, { rawData: new Uint8Array() });
    return sum + toBinary(TensorProtoSchema, rest).length + tensor.rawData.length;
  }, 0);
}

/** Nodes by what they need; an output of the graph is needed by nobody here, and is no constant. */
function usersOf(graph: GraphProto): Map<string, NodeProto[]> {
  const users = new Map<string, NodeProto[]>();
  for (const node of graph.node) {
    for (const name of needs(node)) {
      const known = users.get(name);
      if (known) known.push(node);
      else users.set(name, [node]);
    }
  }
  return users;
}
