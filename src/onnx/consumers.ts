// Who reads each value of a graph: the nodes, and whether anybody else does.
import type { GraphProto, NodeProto } from 'onnx-buf';

export interface Consumers {
  /** Nodes of the main graph that read it; one that reads it twice is named twice. */
  of(value: string): readonly NodeProto[];
  /** The one node that reads it, where nobody else does: no output of the graph, no subgraph. */
  only(value: string): NodeProto | undefined;
}

export function consumersOf(graph: GraphProto): Consumers {
  const readers = new Map<string, NodeProto[]>();
  const elsewhere = new Set(graph.output.map(({ name }) => name));
  for (const node of graph.node) {
    for (const name of node.input) (readers.get(name) ?? readers.set(name, []).get(name))?.push(node);
    for (const { g, graphs } of node.attribute)
      for (const inner of g ? [g, ...graphs] : graphs) collect(inner, elsewhere);
  }
  return {
    of: (value) => readers.get(value) ?? [],
    only(value) {
      const nodes = readers.get(value) ?? [];
      return nodes.length === 1 && !elsewhere.has(value) ? nodes[0] : undefined;
    },
  };
}

function collect({ node, output }: GraphProto, names: Set<string>): void {
  for (const { name } of output) names.add(name);
  for (const { input, attribute } of node) {
    for (const name of input) names.add(name);
    for (const { g, graphs } of attribute) for (const inner of g ? [g, ...graphs] : graphs) collect(inner, names);
  }
}
