// Takes out nodes that hand their input on as it is.
import type { GraphProto, NodeProto } from 'onnx-buf';
import { intsOf } from '../../onnx/attributes.ts';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { inferShapes } from './infer-shapes.ts';
import { mapGraphs, needs, renamed } from './scope.ts';
import type { Shape, ValueType } from './value-type.ts';

type Types = ReadonlyMap<string, ValueType>;

/**
 * Without Identity, Dropout that does not train, Cast to the type that is there, Transpose that keeps the order, and
 * Reshape, Flatten, Expand, Squeeze and Unsqueeze to the shape that is there. Names of the model's inputs and outputs
 * stay.
 */
export function removeNoOps(model: OnnxModel): OnnxModel {
  const { graphs } = inferShapes(model);
  return mapGraphs(model, (graph, original) => withoutNoOps(graph, graphs.get(original) ?? new Map(), scopeOf(graphs)));
}

/** Types by name over all graphs; a name that two graphs make with different types tells nothing. */
function scopeOf(graphs: ReadonlyMap<GraphProto, Types>): Types {
  const all = new Map<string, ValueType>();
  const twice = new Set<string>();
  for (const types of graphs.values()) {
    for (const [name, type] of types) {
      if (all.has(name)) twice.add(name);
      all.set(name, type);
    }
  }
  for (const name of twice) all.delete(name);
  return all;
}

function withoutNoOps(graph: GraphProto, types: Types, all: Types): GraphProto {
  const outputs = new Set(graph.output.map(({ name }) => name));
  const used = new Set<string>();
  for (const node of graph.node) for (const name of needs(node)) used.add(name);
  const makes = new Map<string, NodeProto>();
  for (const node of graph.node) for (const name of node.output) makes.set(name, node);

  // What a value is called once the no-ops are gone; chains are followed as they grow, the nodes being in order.
  const names = new Map<string, string>();
  const now = (name: string) => names.get(name) ?? name;
  const backwards = new Map<string, string>();
  const node = graph.node.filter((one) => {
    const [from, to] = [one.input[0], one.output[0]];
    if (!from || !to || !isNoOp(one, (name) => types.get(name) ?? all.get(name), used)) return true;
    if (!outputs.has(to)) {
      names.set(to, now(from));
      return false;
    }
    // The graph's output has to keep its name: its maker takes it, where it is a node's own and nobody's output.
    const source = now(from);
    if (!makes.has(source) || outputs.has(source) || backwards.has(source)) return true;
    backwards.set(source, to);
    return false;
  });
  if (node.length === graph.node.length) return graph;
  for (const [from, to] of names) names.set(from, backwards.get(to) ?? to);
  for (const [from, to] of backwards) names.set(from, to);
  return changed(graph, { node: node.map((one) => renamed(one, names)) });
}

function isNoOp(node: NodeProto, typeOf: (name: string) => ValueType | undefined, used: ReadonlySet<string>): boolean {
  if (node.domain !== '' && node.domain !== 'ai.onnx') return false;
  const [from, to] = [typeOf(node.input[0]!), typeOf(node.output[0]!)];
  switch (node.opType) {
    case 'Identity':
      return true;
    case 'Dropout': {
      const training = node.input[2] ? typeOf(node.input[2])?.constant?.data[0] : 0;
      return Number(training) === 0 && !(node.output[1] && used.has(node.output[1]));
    }
    case 'Cast':
      return from !== undefined && from.elemType !== 0 && from.elemType === to?.elemType;
    case 'Transpose':
      return intsOf(node, 'perm')?.every((axis, index) => axis === index) === true;
    case 'Reshape':
    case 'Flatten':
    case 'Expand':
    case 'Squeeze':
    case 'Unsqueeze':
      return sameShape(from?.shape, to?.shape);
    default:
      return false;
  }
}

/** Certainly the same: known lengths, or free ones of one name. */
function sameShape(a: Shape | undefined, b: Shape | undefined): boolean {
  if (!a || !b || a.length !== b.length) return false;
  return a.every((length, axis) => length !== undefined && length === b[axis]);
}
