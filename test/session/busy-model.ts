// A model whose request says how long it runs: a loop of `n` matrix products, about 20 µs each on one thread.
import { AttributeProto_AttributeType as Attribute, TensorProto_DataType as Type } from 'onnx-buf';
import { bytesOf, tinyGraph, value } from '../onnx/tiny-model.ts';

/** n INT64 [1], x FP32 [64, 64] → y FP32 [64, 64]: sin(y · x), n times over. */
export function busyModel(): Uint8Array {
  const square = [64, 64];
  return bytesOf(
    tinyGraph({
      initializer: [{ name: 'go', dataType: Type.BOOL, dims: [], int32Data: [1] }],
      input: [value('n', [1], Type.INT64), value('x', square)],
      output: [value('y', square)],
      node: [
        {
          opType: 'Loop',
          input: ['n', 'go', 'x'],
          output: ['y'],
          attribute: [{ name: 'body', type: Attribute.GRAPH, g: body(square) }],
        },
      ],
    }),
  );
}

function body(square: number[]) {
  return {
    name: 'body',
    input: [value('i', [], Type.INT64), value('in', [], Type.BOOL), value('y0', square)],
    output: [value('out', [], Type.BOOL), value('y1', square)],
    node: [
      { opType: 'Identity', input: ['in'], output: ['out'] },
      { opType: 'MatMul', input: ['y0', 'x'], output: ['product'] },
      { opType: 'Sin', input: ['product'], output: ['y1'] },
    ],
  };
}
