// Walks what a model computes: each node of the graph, of its subgraphs (If, Loop, Scan) and of its local functions, once.
import type { GraphProto, NodeProto, TensorProto } from 'onnx-buf';
import type { OnnxModel } from './read.ts';

/** Every node, subgraphs' and local functions' included; order: as they stand in the file, outer before inner. */
export function* nodesOf(model: OnnxModel): Generator<NodeProto> {
  yield* nested(model.graph.node);
  for (const { node } of model.functions) yield* nested(node);
}

/** Every weight: initialisers, and the tensors of Constant nodes, where some exporters keep them. */
export function* weightsOf(model: OnnxModel): Generator<TensorProto> {
  yield* initialisers(model.graph);
  for (const node of nodesOf(model)) {
    for (const { g, graphs, t } of node.attribute) {
      if (t && node.opType === 'Constant') yield t;
      if (g) yield* initialisers(g);
      for (const graph of graphs) yield* initialisers(graph);
    }
  }
}

/** Operator as people write it: `Conv`, `com.microsoft.FusedConv`. */
export function operatorName({ domain, opType }: { domain: string; opType: string }): string {
  return domainName(domain) === 'ai.onnx' ? opType : `${domain}.${opType}`;
}

/** The default domain has two spellings. */
export function domainName(domain: string): string {
  return domain === '' ? 'ai.onnx' : domain;
}

function* nested(nodes: readonly NodeProto[]): Generator<NodeProto> {
  for (const node of nodes) {
    yield node;
    for (const { g, graphs } of node.attribute) {
      if (g) yield* nested(g.node);
      for (const graph of graphs) yield* nested(graph.node);
    }
  }
}

function* initialisers({ initializer, sparseInitializer }: GraphProto): Generator<TensorProto> {
  yield* initializer;
  for (const { values, indices } of sparseInitializer) {
    if (values) yield values;
    if (indices) yield indices;
  }
}
