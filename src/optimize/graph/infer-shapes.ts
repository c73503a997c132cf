// Shape inference: what can be said of every value before anything runs, in every graph of the model.
import type { GraphProto, NodeProto } from 'onnx-buf';
import { attributeOf, intsOf } from '../../onnx/attributes.ts';
import { domainName, operatorName } from '../../onnx/nodes.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { bytesPerElement, elementCount, int64s } from '../../onnx/tensor-values.ts';
import { evaluate } from './evaluate/evaluate.ts';
import { lengthsAfter } from './lengths.ts';
import type { RuleInput } from './shape-rules/rule.ts';
import { shapeRules } from './shape-rules/shape-rules.ts';
import {
  declared,
  either,
  inputTypes,
  isStatic,
  ofConstant,
  ofTensor,
  typed,
  unknown,
  type ValueType,
} from './value-type.ts';

export interface Inference {
  /** Types of the values that each graph makes, by graph and name: the same name may stand in sibling subgraphs. */
  readonly graphs: ReadonlyMap<GraphProto, ReadonlyMap<string, ValueType>>;
  /** Operators that there is no rule for, with how often: of their outputs nothing is known. */
  readonly unknownOperators: Readonly<Record<string, number>>;
}

interface Walk {
  readonly opsets: ReadonlyMap<string, number>;
  readonly graphs: Map<GraphProto, Map<string, ValueType>>;
  readonly unknownOperators: Map<string, number>;
  /** Bytes that may still be computed, whatever the file asks for. */
  budget: number;
}

type Scope = (name: string) => ValueType | undefined;

/** A constant as small as this may be computed out of nothing, as ConstantOfShape does. */
const NODE_BYTES = 64;

/**
 * Walks the graph in its order, subgraphs with what they see of the outer graph. Nothing the file claims of its inner
 * values is believed. Nodes must be in order (`sortNodes`).
 *
 * @example
 * const { graphs } = inferShapes(model);
 * graphs.get(model.graph)?.get('logits'); // { elemType: 1, shape: ['N', 10] }
 */
export function inferShapes(model: OnnxModel): Inference {
  const walk: Walk = {
    opsets: new Map(model.opsetImport.map(({ domain, version }) => [domainName(domain), Number(version)])),
    graphs: new Map(),
    unknownOperators: new Map(),
    budget: 2 ** 20 + 4 * model.graph.initializer.reduce((sum, { rawData }) => sum + rawData.length, 0),
  };
  inferGraph(walk, model.graph, inputTypes(model.graph), () => undefined);
  return { graphs: walk.graphs, unknownOperators: Object.fromEntries(walk.unknownOperators) };
}

/** Types of the graph's outputs. */
function inferGraph(walk: Walk, graph: GraphProto, types: Map<string, ValueType>, outer: Scope): ValueType[] {
  walk.graphs.set(graph, types);
  for (const tensor of graph.initializer) types.set(tensor.name, ofTensor(tensor));
  for (const { values, dims } of graph.sparseInitializer) {
    if (values) types.set(values.name, typed(values.dataType, dims.map(Number)));
  }
  const scope: Scope = (name) => types.get(name) ?? outer(name);
  for (const node of graph.node) {
    const results = inferNode(walk, node, scope);
    for (const [index, name] of node.output.entries()) {
      const result = results[index];
      if (name !== '' && result) types.set(name, result);
    }
  }
  return graph.output.map(({ name }) => scope(name) ?? unknown);
}

function inferNode(walk: Walk, node: NodeProto, scope: Scope): readonly (ValueType | undefined)[] {
  const inputs = node.input.map((name) => (name === '' ? undefined : scope(name)));
  const name = operatorName(node);
  if (name === 'If' || name === 'Loop' || name === 'Scan') return inferBodies(walk, node, inputs, scope);
  for (const { g, graphs } of node.attribute) {
    for (const graph of g ? [g, ...graphs] : graphs) inferGraph(walk, graph, inputTypes(graph), scope);
  }
  const rule = shapeRules.get(name);
  if (!rule) {
    walk.unknownOperators.set(name, (walk.unknownOperators.get(name) ?? 0) + 1);
    return [];
  }
  const at: RuleInput = { node, inputs, opset: walk.opsets.get(domainName(node.domain)) ?? 1 };
  const results = rule(at);
  if (node.output.length !== 1 || !results[0] || results[0].constant) return results;
  return [withValue(walk, at, results[0])];
}

/** The result with its elements, or the lengths that it holds, where they can be told. */
function withValue(walk: Walk, at: RuleInput, result: ValueType): ValueType {
  const lengths = result.lengths ?? lengthsAfter(at);
  if (lengths?.every((length) => typeof length === 'number') && isStatic(result.shape) && result.elemType === 7) {
    if (elementCount(result.shape) === lengths.length) return ofConstant(int64s(lengths, result.shape));
  }
  const partial = lengths ? { ...result, lengths } : result;
  if (!isStatic(result.shape) || at.node.input.some((name, index) => name !== '' && !at.inputs[index]?.constant)) {
    return partial;
  }
  const bytes = elementCount(result.shape) * (bytesPerElement(result.elemType) ?? Number.POSITIVE_INFINITY);
  const given = at.inputs.reduce((sum, input) => sum + (input?.constant?.data.byteLength ?? 0), 0);
  if (!(bytes <= Math.max(NODE_BYTES, 8 * given)) || bytes > walk.budget) return partial;
  const constant = evaluate(at, result);
  if (!constant) return partial;
  walk.budget -= bytes;
  return ofConstant(constant);
}

function inferBodies(walk: Walk, node: NodeProto, inputs: readonly (ValueType | undefined)[], scope: Scope) {
  if (node.opType === 'If') return inferIf(walk, node, scope);
  const body = attributeOf(node, 'body')?.g;
  if (!body) return [];
  return node.opType === 'Loop'
    ? inferLoop(walk, node, body, inputs, scope)
    : inferScan(walk, node, body, inputs, scope);
}

function inferIf(walk: Walk, node: NodeProto, scope: Scope): ValueType[] {
  const branches = ['then_branch', 'else_branch'].flatMap((name) => attributeOf(node, name)?.g ?? []);
  const [then, otherwise] = branches.map((graph) => inferGraph(walk, graph, inputTypes(graph), scope));
  return node.output.map((_name, index) => either(then?.[index] ?? unknown, otherwise?.[index] ?? unknown));
}

/** What goes round a loop keeps its element type; its shape may change from one turn to the next. */
function inferLoop(
  walk: Walk,
  node: NodeProto,
  body: GraphProto,
  inputs: readonly (ValueType | undefined)[],
  scope: Scope,
): ValueType[] {
  const carried = Math.max(0, inputs.length - 2);
  const types = new Map(
    body.input.map(({ name, type }, index) => {
      if (index === 0) return [name, typed(7, [])];
      if (index === 1) return [name, typed(9, [])];
      return [name, typed(inputs[index]?.elemType || declared(type).elemType, undefined)];
    }),
  );
  const results = inferGraph(walk, body, types, scope).slice(1);
  return node.output.map((_name, index) => {
    const result = results[index] ?? unknown;
    if (index < carried) return typed(result.elemType, undefined);
    return typed(result.elemType, result.shape && [undefined, ...result.shape.map(() => undefined)]);
  });
}

function inferScan(
  walk: Walk,
  node: NodeProto,
  body: GraphProto,
  inputs: readonly (ValueType | undefined)[],
  scope: Scope,
): ValueType[] {
  const scanned = Number(attributeOf(node, 'num_scan_inputs')?.i ?? 0n);
  const states = inputs.length - scanned;
  const axes = intsOf(node, 'scan_input_axes') ?? [];
  const plain = axes.every((axis) => axis === 0);
  const types = new Map(
    body.input.map(({ name, type }, index) => {
      const given = inputs[index];
      const elemType = given?.elemType || declared(type).elemType;
      if (index < states) return [name, typed(elemType, given?.shape)];
      return [name, typed(elemType, plain ? given?.shape?.slice(1) : undefined)];
    }),
  );
  const results = inferGraph(walk, body, types, scope);
  return node.output.map((_name, index) => typed(results[index]?.elemType ?? 0, undefined));
}
