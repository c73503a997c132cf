// Takes out weights that no node reads any more: initialisers and Constant nodes, subgraphs' included.
import type { GraphProto, NodeProto } from 'onnx-buf';
import { subgraphsOf } from './attributes.ts';

/** Changes `graph`. */
export function dropUnusedWeights(graph: GraphProto): void {
  for (const inner of graph.node.flatMap(subgraphsOf)) dropUnusedWeights(inner);
  const used = new Set(graph.output.map(({ name }) => name));
  readNames(graph.node, used);
  const gone = new Set(graph.initializer.map(({ name }) => name).filter((name) => !used.has(name)));
  graph.initializer = graph.initializer.filter(({ name }) => used.has(name));
  graph.node = graph.node.filter(({ opType, output }) => opType !== 'Constant' || used.has(output[0] ?? ''));
  // What was a default of an input without its initialiser would ask every caller for the weight.
  graph.input = graph.input.filter(({ name }) => !gone.has(name));
}

/** Subgraphs read the values of the graph around them. */
function readNames(nodes: readonly NodeProto[], used: Set<string>): void {
  for (const { input, attribute } of nodes) {
    for (const name of input) used.add(name);
    for (const { g, graphs } of attribute) {
      for (const inner of g ? [g, ...graphs] : graphs) {
        for (const { name } of inner.output) used.add(name);
        readNames(inner.node, used);
      }
    }
  }
}
