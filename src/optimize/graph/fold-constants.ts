// Computes ahead of time what is the same for every input: chains of Shape, Gather and Concat, transposed or cast weights.
import type { GraphProto, NodeProto } from 'onnx-buf';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { makeTensor } from '../../onnx/tensor-values.ts';
import { inferShapes, NODE_BYTES } from './infer-shapes.ts';
import { mapGraphs, needs } from './scope.ts';
import type { ValueType } from './value-type.ts';

/**
 * Nodes whose output is constant become initialisers, bit for bit what they would have computed. The file does not
 * grow: a result may take what a node takes, or what the constants took that only this node needs.
 */
export function foldConstants(model: OnnxModel): OnnxModel {
  const { graphs } = inferShapes(model);
  return mapGraphs(model, (graph, original) => fold(graph, graphs.get(original) ?? new Map()));
}

function fold(graph: GraphProto, types: ReadonlyMap<string, ValueType>): GraphProto {
  const uses = countUses(graph);
  const initializer = [...graph.initializer];
  const owned = new Map(initializer.map(({ name, rawData }) => [name, rawData.length]));
  const node = graph.node.filter((one) => {
    const [name] = one.output;
    const constant = name ? types.get(name)?.constant : undefined;
    if (!name || !constant || !mayFold(one, name, uses)) return true;
    const freed = [...new Set(one.input)].reduce(
      (sum, input) => sum + (uses.get(input) === 1 ? (owned.get(input) ?? 0) : 0),
      0,
    );
    const bytes = constant.data.byteLength;
    if (bytes > Math.max(NODE_BYTES, freed)) return true;
    initializer.push(makeTensor(name, constant));
    owned.set(name, bytes);
    return false;
  });
  return node.length === graph.node.length ? graph : changed(graph, { node, initializer });
}

/** An output of the graph keeps its node, so that every output stays one that a node makes. */
function mayFold({ opType, output }: NodeProto, name: string, uses: ReadonlyMap<string, number>): boolean {
  return opType !== 'Constant' && output.length === 1 && (uses.get(name) ?? 0) < Number.POSITIVE_INFINITY;
}

/** How many nodes need each value; infinitely many need an output. */
function countUses(graph: GraphProto): Map<string, number> {
  const uses = new Map<string, number>();
  for (const node of graph.node) for (const name of needs(node)) uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const { name } of graph.output) uses.set(name, Number.POSITIVE_INFINITY);
  return uses;
}
