// One constant for all that are equal: exporters write a new 3 and a new 6 for every activation.
import type { GraphProto, TensorProto } from 'onnx-buf';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { readTensor } from '../../onnx/tensor-values.ts';
import { mapGraphs, renamed } from './scope.ts';

/** Larger ones are hardly ever equal, and would cost more to compare than they save. */
const LARGEST = 256;

export function shareConstants(model: OnnxModel): OnnxModel {
  return mapGraphs(model, shared);
}

function shared(graph: GraphProto): GraphProto {
  const outputs = new Set(graph.output.map(({ name }) => name));
  const first = new Map<string, string>();
  const names = new Map<string, string>();
  const initializer = graph.initializer.filter((tensor) => {
    const key = outputs.has(tensor.name) ? undefined : contentOf(tensor);
    const same = key === undefined ? undefined : first.get(key);
    if (same !== undefined) names.set(tensor.name, same);
    else if (key !== undefined) first.set(key, tensor.name);
    return same === undefined;
  });
  return names.size === 0
    ? graph
    : changed(graph, { initializer, node: graph.node.map((node) => renamed(node, names)) });
}

function contentOf(tensor: TensorProto): string | undefined {
  if (tensor.rawData.length > LARGEST || tensor.dims.reduce((a, b) => a * b, 1n) > LARGEST) return undefined;
  const values = readTensor(tensor);
  if (!values) return undefined;
  const { data } = values;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  return `${tensor.dataType} ${values.shape} ${bytes}`;
}
