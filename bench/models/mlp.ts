// 12 × MatMul[1024]: the model that gains most from batching, since one row reads all the weights for little work.
import { TensorProto_DataType as Type } from 'onnx-buf';
import { modelBytes, type NodeInit, value, weights } from './build.ts';

export function mlp({ layers = 12, width = 1024 } = {}): Uint8Array {
  const node: NodeInit[] = [];
  for (let at = 0; at < layers; at++) {
    node.push({ opType: 'MatMul', input: [at === 0 ? 'x' : `r${at - 1}`, `w${at}`], output: [`m${at}`] });
    node.push({ opType: 'Relu', input: [`m${at}`], output: [at === layers - 1 ? 'y' : `r${at}`] });
  }
  return modelBytes({
    name: 'mlp',
    node,
    initializer: Array.from({ length: layers }, (_, at) => weights(`w${at}`, [width, width], Math.sqrt(6 / width))),
    input: [value('x', Type.FLOAT, ['N', width])],
    output: [value('y', Type.FLOAT, ['N', width])],
  });
}
