// Zeros for the smallest weights: the file compresses better, the shapes stay. No CPU kernel of onnxruntime skips zeros, so
// runs are not faster; `pruneChannels` is for that.
import { type NodeProto, type TensorProto, TensorProto_DataType as Type } from 'onnx-buf';
import { GlowplugError } from '../../core/errors.ts';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { makeTensor, readTensor } from '../../onnx/tensor-values.ts';
import { mapGraphs } from '../graph/scope.ts';

/** Operator → the inputs that are weights: not the bias, whose elements are few and each moves a whole channel. */
const weightInputs: ReadonlyMap<string, readonly number[]> = new Map([
  ['Conv', [1]],
  ['ConvTranspose', [1]],
  ['Gemm', [1]],
  ['MatMul', [0, 1]],
  ...['LSTM', 'GRU', 'RNN'].map((name): [string, readonly number[]] => [name, [1, 2]]),
]);

/**
 * The model with `share` (0 to below 1) of each layer's weights set to 0, the smallest of each. Constants must be
 * initialisers (`ownConstants`).
 *
 * @throws GlowplugError CONFIG_INVALID
 */
export function pruneMagnitude(model: OnnxModel, share: number): OnnxModel {
  checkShare(share);
  return mapGraphs(model, (graph) => {
    const weights = new Set(graph.node.flatMap(weightsOf));
    return changed(graph, {
      initializer: graph.initializer.map((tensor) => (weights.has(tensor.name) ? sparse(tensor, share) : tensor)),
    });
  });
}

export function checkShare(share: number): void {
  if (share >= 0 && share < 1) return;
  throw new GlowplugError('CONFIG_INVALID', `expected a share of at least 0 and below 1, got ${share}`, {
    remedy: 'Give the part to prune, such as 0.3.',
  });
}

function weightsOf({ opType, domain, input }: NodeProto): string[] {
  if (domain !== '' && domain !== 'ai.onnx') return [];
  return (weightInputs.get(opType) ?? []).flatMap((index) => input[index] ?? []);
}

function sparse(tensor: TensorProto, share: number): TensorProto {
  const values = tensor.dataType === Type.FLOAT ? readTensor(tensor) : undefined;
  if (!values || values.shape.length < 2 || !(values.data instanceof Float32Array)) return tensor;
  const sizes = values.data.map(Math.abs).sort();
  const limit = sizes[Math.floor(share * sizes.length)] ?? 0;
  // Below, not at, the limit: equal weights are not torn apart by their order.
  return makeTensor(tensor.name, { ...values, data: values.data.map((one) => (Math.abs(one) < limit ? 0 : one)) });
}
