// LSTM and Attention in INT8 whose activations are quantised while they run, by the operators that onnxruntime has for them.
import type { NodeProto } from 'onnx-buf';
import { intOf } from '../onnx/attributes.ts';
import { newNode } from '../onnx/new-node.ts';
import { newWeight } from '../onnx/new-weight.ts';
import type { OnnxModel } from '../onnx/read.ts';
import type { LayerWeight, LinearLayer } from './linear-layer.ts';
import { quantizeChannels } from './quantize-array.ts';

const MICROSOFT = 'com.microsoft';

/** Not where the rows of a run come first (`layout` 1). */
export function isDynamicLstm({ node, kind }: LinearLayer): boolean {
  return kind === 'LSTM' && intOf(node, 'layout', 0) === 0;
}

/** One DynamicQuantizeLSTM. */
export function dynamicLstm(model: OnnxModel, { node, name, recurrent, ...input }: LinearLayer): NodeProto[] {
  const [data, scales, zero] = gates(model, name, input);
  const [own, ownScales, ownZero] = recurrent ? gates(model, `${name}/recurrent`, recurrent) : ['', '', ''];
  // X, W, R, B, lengths, h, c, P.
  const [x = '', , , ...others] = Array.from({ length: 8 }, (_, at) => node.input[at] ?? '');
  const inputs = [x, data, own, ...others, scales, zero, ownScales, ownZero];
  return [
    Object.assign(newNode('DynamicQuantizeLSTM', inputs, node.output, {}, MICROSOFT), {
      attribute: node.attribute.filter(({ name }) => name !== 'layout'),
    }),
  ];
}

/** [directions, gates, in] → the kernel's [directions, in, gates], with a scale for each row of the former. */
function gates({ graph }: OnnxModel, name: string, { dims, weight }: LayerWeight): [string, string, string] {
  const [directions = 1, rows = 1, width = 1] = dims;
  const { data, scales } = quantizeChannels(weight, [directions * rows, width], 0);
  const turned = new Int8Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const [direction, row, column] = [Math.floor(at / width / rows), Math.floor(at / width) % rows, at % width];
    turned[(direction * width + column) * rows + row] = data[at]!;
  }
  graph.initializer.push(
    newWeight(`${name}/int8`, [directions, width, rows], turned),
    newWeight(`${name}/scales`, [directions, rows], scales),
    newWeight(`${name}/zero`, [directions, rows], new Int8Array(directions * rows)),
  );
  return [`${name}/int8`, `${name}/scales`, `${name}/zero`];
}

const attentionAttributes: ReadonlySet<string> = new Set([
  'num_heads',
  'unidirectional',
  'do_rotary',
  'mask_filter_value',
]);

/** Not with what QAttention does not take: no bias, other inputs than mask and past, sizes for each of query, key and value. */
export function isDynamicAttention({ kind, node, dims }: LinearLayer): boolean {
  const isKnown = node.attribute.every(({ name }) => attentionAttributes.has(name));
  const [, , bias, , , ...others] = node.input;
  return kind === 'Attention' && dims.length === 2 && isKnown && Boolean(bias) && others.every((one) => one === '');
}

/** QAttention behind a DynamicQuantizeLinear. */
export function dynamicAttention({ graph }: OnnxModel, { node, name, dims, weight }: LinearLayer): NodeProto[] {
  const [x = '', , bias = '', mask = '', past = ''] = node.input;
  const { data, scales } = quantizeChannels(weight, dims, 1);
  graph.initializer.push(
    newWeight(`${name}/int8`, dims, data),
    newWeight(`${name}/scales`, [dims[1]!], scales),
    newWeight(`${name}/zero`, [dims[1]!], new Int8Array(dims[1]!)),
  );
  const [codes = '', step = '', offset = ''] = ['uint8', 'step', 'offset'].map((part) => `${name}/input-${part}`);
  const inputs = [codes, `${name}/int8`, bias, step, `${name}/scales`, mask, offset, `${name}/zero`, past];
  return [
    newNode('DynamicQuantizeLinear', [x], [codes, step, offset]),
    Object.assign(newNode('QAttention', past ? inputs : inputs.slice(0, 8), node.output, {}, MICROSOFT), {
      attribute: node.attribute,
    }),
  ];
}
