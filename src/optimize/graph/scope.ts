// Names in graphs that hold graphs: what a node needs, and passes that reach every subgraph.
import type { GraphProto, NodeProto } from 'onnx-buf';
import { subgraphsOf } from '../../onnx/attributes.ts';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';

/** Every name that the node needs before it can run, those that its subgraphs take from outside included. */
export function needs(node: NodeProto): Set<string> {
  const names = new Set(node.input);
  for (const graph of subgraphsOf(node)) for (const name of captured(graph)) names.add(name);
  names.delete('');
  return names;
}

/** Names that a subgraph uses and does not make. */
export function captured(graph: GraphProto): Set<string> {
  const used = new Set(graph.output.map(({ name }) => name));
  for (const node of graph.node) for (const name of needs(node)) used.add(name);
  for (const name of made(graph)) used.delete(name);
  return used;
}

/** Names that a graph makes: inputs, initialisers, outputs of its nodes. */
export function made(graph: GraphProto): Set<string> {
  const names = new Set<string>();
  for (const { name } of graph.input) names.add(name);
  for (const { name } of graph.initializer) names.add(name);
  for (const { values } of graph.sparseInitializer) if (values) names.add(values.name);
  for (const { output } of graph.node) for (const name of output) names.add(name);
  names.delete('');
  return names;
}

/** Every name in a graph and its subgraphs, so that a new one meets none. */
function allNames(graph: GraphProto, into = new Set<string>()): Set<string> {
  for (const name of made(graph)) into.add(name);
  for (const { name } of graph.output) into.add(name);
  for (const node of graph.node) {
    for (const name of node.input) into.add(name);
    for (const subgraph of subgraphsOf(node)) allNames(subgraph, into);
  }
  return into;
}

/** Makes names that the graph does not have: `name`, else `name_1`, `name_2`, … */
export function freshNames(graph: GraphProto): (name: string) => string {
  const taken = allNames(graph);
  const counts = new Map<string, number>();
  return (name) => {
    let fresh = name;
    while (taken.has(fresh)) {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      fresh = `${name}_${count}`;
    }
    taken.add(fresh);
    return fresh;
  };
}

/** The node with other subgraphs; the node itself where it has none. */
export function withSubgraphs(node: NodeProto, change: (graph: GraphProto) => GraphProto): NodeProto {
  if (!node.attribute.some(({ g, graphs }) => g || graphs.length > 0)) return node;
  return changed(node, {
    attribute: node.attribute.map((attribute) => {
      if (attribute.g) return changed(attribute, { g: change(attribute.g) });
      return attribute.graphs.length > 0 ? changed(attribute, { graphs: attribute.graphs.map(change) }) : attribute;
    }),
  });
}

/** Applies `change` to every graph of the model, inner ones first; `original` is the graph as the model given has it. */
export function mapGraphs(
  model: OnnxModel,
  change: (graph: GraphProto, original: GraphProto) => GraphProto,
): OnnxModel {
  const deep = (graph: GraphProto): GraphProto =>
    change(changed(graph, { node: graph.node.map((node) => withSubgraphs(node, deep)) }), graph);
  return changed(model, { graph: deep(model.graph) });
}

/** The node with other names for what it needs and, where it stands in a renamed graph, for what it makes. */
export function renamed(node: NodeProto, names: ReadonlyMap<string, string>): NodeProto {
  if (names.size === 0) return node;
  const rename = (name: string) => names.get(name) ?? name;
  const copy = changed(node, { input: node.input.map(rename), output: node.output.map(rename) });
  return withSubgraphs(copy, (graph) => renamedGraph(graph, names));
}

export function renamedGraph(graph: GraphProto, names: ReadonlyMap<string, string>): GraphProto {
  const { node, initializer, output } = graph;
  return changed(graph, {
    node: node.map((one) => renamed(one, names)),
    initializer: initializer.map((one) => changed(one, { name: names.get(one.name) ?? one.name })),
    output: output.map((one) => changed(one, { name: names.get(one.name) ?? one.name })),
  });
}
