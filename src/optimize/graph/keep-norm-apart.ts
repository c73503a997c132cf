// onnxruntime makes one node of an addition and the LayerNormalization behind it, whose kernel is the slower one: 65 µs for 32
// rows of 384 on one thread, where Add and LayerNormalization take 14. It looks for Add: a Sum of two computes the same.
import type { GraphProto } from 'onnx-buf';
import { changed } from '../../onnx/changed.ts';
import { opsetOf } from '../../onnx/import-opset.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { mapGraphs } from './scope.ts';

/** Equal to the last bit. */
export function keepNormApart(model: OnnxModel): OnnxModel {
  // Before it, a Sum does not broadcast.
  return opsetOf(model) < 8 ? model : mapGraphs(model, apart);
}

function apart(graph: GraphProto): GraphProto {
  const normalised = new Set(
    graph.node.flatMap(({ opType, domain, input }) =>
      opType === 'LayerNormalization' && domain === '' ? (input[0] ?? []) : [],
    ),
  );
  if (normalised.size === 0) return graph;
  const node = graph.node.map((one) =>
    one.opType === 'Add' && one.domain === '' && normalised.has(one.output[0] ?? '')
      ? changed(one, { opType: 'Sum' })
      : one,
  );
  return changed(graph, { node });
}
