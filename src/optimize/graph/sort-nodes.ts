// Puts nodes into an order in which they can run. ONNX asks writers for one; not all keep to it, and passes rest on it.
import type { GraphProto, NodeProto } from 'onnx-buf';
import { GlowplugError, shorten } from '../../core/errors.ts';
import { subgraphsOf } from '../../onnx/attributes.ts';
import { changed } from '../../onnx/changed.ts';
import { operatorName } from '../../onnx/nodes.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { made, mapGraphs, needs } from './scope.ts';

/**
 * The same model, in every graph the nodes after what they need; a graph that is in order already stays as it is.
 *
 * @throws GlowplugError MODEL_INVALID: nodes that need each other, a name that is made twice where it is seen
 */
export function sortNodes(model: OnnxModel): OnnxModel {
  checkNames(model.graph, new Set());
  return mapGraphs(model, sorted);
}

/** A subgraph sees the names outside it and may not make them again: a pass could not tell which is meant. */
function checkNames(graph: GraphProto, outside: ReadonlySet<string>): void {
  const inside = made(graph);
  for (const name of inside) if (outside.has(name)) throw twice(name);
  const nested = graph.node.flatMap(subgraphsOf);
  if (nested.length === 0) return;
  const seen = new Set([...outside, ...inside]);
  for (const one of nested) checkNames(one, seen);
}

function sorted(graph: GraphProto): GraphProto {
  const maker = makers(graph);
  const waiting = graph.node.map((node) => {
    const before = new Set<number>();
    for (const name of needs(node)) {
      const index = maker.get(name);
      if (index !== undefined) before.add(index);
    }
    return before;
  });
  if (waiting.every((before, index) => [...before].every((other) => other < index))) return graph;

  const after = graph.node.map((): number[] => []);
  for (const [index, before] of waiting.entries()) for (const other of before) after[other]!.push(index);
  const left = waiting.map((before) => before.size);
  const order = [...left.keys()].filter((index) => left[index] === 0);
  for (const index of order) {
    for (const next of after[index]!) {
      left[next]!--;
      if (left[next] === 0) order.push(next);
    }
  }
  if (order.length < graph.node.length) {
    const stuck = graph.node[left.findIndex((count) => count > 0)]!;
    throw new GlowplugError('MODEL_INVALID', `expected a graph without cycles, got one at ${describeNode(stuck)}`);
  }
  return changed(graph, { node: order.map((index) => graph.node[index]!) });
}

function makers({ node, input, initializer }: GraphProto): Map<string, number> {
  const maker = new Map<string, number>();
  const given = new Set([...input, ...initializer].map(({ name }) => name));
  for (const [index, { output }] of node.entries()) {
    for (const name of output) {
      if (name === '') continue;
      if (maker.has(name) || given.has(name)) {
        throw twice(name);
      }
      maker.set(name, index);
    }
  }
  return maker;
}

function twice(name: string): GlowplugError {
  return new GlowplugError('MODEL_INVALID', `expected each value to be made once, got ${shorten(name)} twice`);
}

/** A node as an error names it: its operator, and its name or else its first output. */
export function describeNode(node: NodeProto): string {
  return `${shorten(operatorName(node))} ${shorten(node.name || node.output[0] || '')}`;
}
