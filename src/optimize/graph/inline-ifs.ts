// Puts the branch in the place of an If whose condition is known: exporters write them to ask for a rank or an opset.
import type { GraphProto, NodeProto } from 'onnx-buf';
import { attributeOf, makeNode, subgraphsOf } from '../../onnx/attributes.ts';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { inferShapes } from './infer-shapes.ts';
import { freshNames, made, mapGraphs, renamedGraph } from './scope.ts';
import type { ValueType } from './value-type.ts';

/** The taken branch stands in the graph, its outputs handed on by Identity, which `removeNoOps` takes away. */
export function inlineIfs(model: OnnxModel): OnnxModel {
  const { graphs } = inferShapes(model);
  const fresh = freshNames(model.graph);
  const makers = new Map<string, number>();
  countMakers(model.graph, makers);
  const conditions = new Map<string, ValueType>();
  for (const types of graphs.values()) for (const [name, type] of types) if (type.constant) conditions.set(name, type);
  return mapGraphs(model, (graph) => inlined(graph));

  function inlined(graph: GraphProto): GraphProto {
    if (!graph.node.some((node) => takenBranch(node, conditions, makers))) return graph;
    const initializer = [...graph.initializer];
    const sparseInitializer = [...graph.sparseInitializer];
    const node = graph.node.flatMap((one) => {
      const branch = takenBranch(one, conditions, makers);
      if (!branch) return one;
      const names = new Map<string, string>();
      // A name that another subgraph makes as well would be made twice where both see it.
      for (const name of made(branch)) if ((makers.get(name) ?? 0) > 1) names.set(name, fresh(name));
      const body = renamedGraph(branch, names);
      initializer.push(...body.initializer);
      sparseInitializer.push(...body.sparseInitializer);
      return [...body.node, ...one.output.map((name, index) => handOn(body, index, name))].filter(
        (made) => made !== undefined,
      );
    });
    return changed(graph, { node, initializer, sparseInitializer });
  }
}

function handOn(body: GraphProto, index: number, name: string): NodeProto | undefined {
  const from = body.output[index]?.name;
  return name === '' || from === undefined ? undefined : makeNode('Identity', [from], [name]);
}

function takenBranch(
  node: NodeProto,
  conditions: ReadonlyMap<string, ValueType>,
  makers: ReadonlyMap<string, number>,
): GraphProto | undefined {
  const [condition] = node.input;
  if (node.opType !== 'If' || node.domain !== '' || !condition || (makers.get(condition) ?? 0) > 1) return undefined;
  const value = conditions.get(condition)?.constant;
  if (value?.data.length !== 1) return undefined;
  const branch = attributeOf(node, Number(value.data[0]) === 0 ? 'else_branch' : 'then_branch')?.g;
  return branch && branch.output.length >= node.output.length && branch.sparseInitializer.length === 0
    ? branch
    : undefined;
}

function countMakers(graph: GraphProto, counts: Map<string, number>): void {
  for (const name of made(graph)) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const node of graph.node) for (const subgraph of subgraphsOf(node)) countMakers(subgraph, counts);
}
