// Operators that stay in FP32, each with its reason. onnxconverter-common, the reference, has a shorter list: it leaves
// squares, sums and exponentials to whoever finds them in the results.

const noHalf = 'ONNX or onnxruntime has no FP16 form of it';
const positions = 'its numbers are positions, counts or indices, which FP16 holds exactly only up to 2048';
const squares = 'it squares or exponentiates: past 256, or 11, the result leaves the range of FP16';
const sums = 'it sums many elements, and each addition in FP16 loses what is 2048 times smaller';
const order = 'it orders or compares elements, and FP16 makes neighbours equal';

const reasons: ReadonlyMap<string, string> = new Map([
  ...each(
    'DynamicQuantizeLinear QuantizeLinear DequantizeLinear MatMulInteger ConvInteger QLinearConv QLinearMatMul ' +
      'RoiAlign MaxRoiPool NonMaxSuppression RandomNormal RandomUniform RandomNormalLike RandomUniformLike Multinomial ' +
      'Bernoulli EyeLike DFT STFT MelWeightMatrix Mod Det Trilu ConstantOfShape Constant',
    noHalf,
  ),
  ...each('Range CumSum Resize Upsample GridSample AffineGrid Cast CastLike', positions),
  ...each('Pow Exp Softplus Softmax LogSoftmax', squares),
  ...each(
    'ReduceSum ReduceSumSquare ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMean ReduceProd Sum Mean ' +
      'InstanceNormalization LayerNormalization GroupNormalization RMSNormalization MeanVarianceNormalization ' +
      'LpNormalization LRN',
    sums,
  ),
  ...each('TopK Unique ArgMax ArgMin Max Min Equal Greater GreaterOrEqual Less LessOrEqual', order),
]);

/** Why a node of this operator stays in FP32; undefined when it need not. Contributed operators are not known here. */
export function reasonToKeep(operator: string): string | undefined {
  return operator.includes('.') ? noHalf : reasons.get(operator);
}

function each(names: string, reason: string): [string, string][] {
  return names.split(' ').map((name) => [name, reason]);
}
