// Takes out what no output needs: nodes, initialisers, and notes on values that are gone.
import type { GraphProto } from 'onnx-buf';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { made, mapGraphs, needs } from './scope.ts';

/** The same outputs from less. Nodes must be in order (`sortNodes`). */
export function removeDead(model: OnnxModel): OnnxModel {
  return mapGraphs(model, live);
}

function live(graph: GraphProto): GraphProto {
  const needed = new Set(graph.output.map(({ name }) => name));
  const node = graph.node
    .toReversed()
    .filter((one) => {
      if (!one.output.some((name) => needed.has(name))) return false;
      for (const name of needs(one)) needed.add(name);
      return true;
    })
    .reverse();
  const rest = changed(graph, {
    node,
    initializer: graph.initializer.filter(({ name }) => needed.has(name)),
    sparseInitializer: graph.sparseInitializer.filter(({ values }) => values && needed.has(values.name)),
  });
  const there = made(rest);
  return changed(rest, {
    valueInfo: graph.valueInfo.filter(({ name }) => there.has(name)),
    quantizationAnnotation: graph.quantizationAnnotation.filter(({ tensorName }) => there.has(tensorName)),
  });
}
