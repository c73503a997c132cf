// Weights of matrix products in blocks of 4 or 8 bits (MatMulNBits): the weights alone, read as they are stored.
import type { NodeProto } from 'onnx-buf';
import { newNode } from '../onnx/new-node.ts';
import { newWeight } from '../onnx/new-weight.ts';
import type { OnnxModel } from '../onnx/read.ts';
import type { LinearLayer } from './linear-layer.ts';
import { roundEven } from './quantize-array.ts';

export type BlockBits = 4 | 8;

/** Rows of the weight that share a scale; onnxruntime's kernels know 16 to 256, its own quantiser takes 128 for size, 32 here for accuracy. */
const BLOCK = 32;

export interface Blocks {
  /** [columns, blocks, bytes of a block]; of 4 bits the lower half of a byte comes first. */
  readonly data: Uint8Array;
  /** [columns, blocks] */
  readonly scales: Float32Array;
  readonly blocks: number;
  readonly size: number;
}

/** The node that takes the layer's place, or undefined where it is no product of a matrix. */
export function blockLayer({ graph }: OnnxModel, layer: LinearLayer, bits: BlockBits): NodeProto[] | undefined {
  if (layer.kind !== 'MatMul') return undefined;
  const { name, node } = layer;
  const [rows, columns] = [layer.dims[0]!, layer.dims[1]!];
  const { data, scales, blocks, size } = quantizeBlocks(layer.weight, rows, columns, bits);
  graph.initializer.push(
    newWeight(`${name}/int${bits}`, [columns, blocks, (size * bits) / 8], data),
    newWeight(`${name}/scales`, [columns * blocks], scales),
  );
  const attributes = { K: rows, N: columns, bits, block_size: size };
  return [
    newNode(
      'MatMulNBits',
      [node.input[0]!, `${name}/int${bits}`, `${name}/scales`],
      [name],
      attributes,
      'com.microsoft',
    ),
  ];
}

/**
 * Symmetric around the middle of the range: the largest value of a block, by its magnitude, is its lowest code, which has one
 * step more than the highest.
 */
export function quantizeBlocks(
  weight: Float32Array,
  rows: number,
  columns: number,
  bits: BlockBits,
  size = BLOCK,
): Blocks {
  const blocks = Math.ceil(rows / size);
  const middle = 2 ** (bits - 1);
  const scales = new Float32Array(columns * blocks);
  const data = new Uint8Array(columns * blocks * ((size * bits) / 8));
  for (let column = 0; column < columns; column++) {
    for (let block = 0; block < blocks; block++) {
      const at = column * blocks + block;
      const [from, to] = [block * size, Math.min(rows, (block + 1) * size)];
      let extreme = 0;
      for (let row = from; row < to; row++) {
        const value = weight[row * columns + column]!;
        if (Math.abs(value) > Math.abs(extreme)) extreme = value;
      }
      const scale = Math.fround(extreme / -middle);
      scales[at] = scale;
      for (let row = from; row < from + size; row++) {
        const value = row < to ? weight[row * columns + column]! : 0;
        const code = scale === 0 ? middle : Math.max(0, Math.min(2 * middle - 1, roundEven(value / scale) + middle));
        if (bits === 8) data[at * size + row - from] = code;
        else data[(at * size + row - from) >> 1]! |= code << (4 * ((row - from) & 1));
      }
    }
  }
  return { data, scales, blocks, size };
}
