// Convolutions, pools, and Resize: spatial axes behind batch and channels.
import { intOf, intsOf, textOf } from '../../../onnx/attributes.ts';
import { type Dim, type Shape, typed, wholeLengths } from '../value-type.ts';
import { elemTypeOf, likeFirst, type Rule, type RuleInput, type Rules, shapeOf, unknownDims } from './rule.ts';

interface Window {
  readonly kernel: readonly Dim[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly autoPad: string;
}

function windowOf(at: RuleInput, kernel: readonly Dim[]): Window {
  const rank = kernel.length;
  const filled = (name: string, length: number, value: number) =>
    intsOf(at.node, name) ?? new Array<number>(length).fill(value);
  return {
    kernel,
    strides: filled('strides', rank, 1),
    dilations: filled('dilations', rank, 1),
    pads: filled('pads', 2 * rank, 0),
    autoPad: textOf(at.node, 'auto_pad', 'NOTSET'),
  };
}

/** Length of one spatial axis after the window went over it. */
function slid(window: Window, axis: number, length: Dim, ceil: boolean): Dim {
  const rank = window.kernel.length;
  const kernel = window.kernel[axis];
  const stride = window.strides[axis] ?? 1;
  if (typeof length !== 'number' || typeof kernel !== 'number' || stride < 1) return undefined;
  if (window.autoPad.startsWith('SAME')) return Math.ceil(length / stride);
  const valid = window.autoPad === 'VALID';
  const begin = valid ? 0 : (window.pads[axis] ?? 0);
  const end = valid ? 0 : (window.pads[axis + rank] ?? 0);
  const room = length + begin + end - (window.dilations[axis] ?? 1) * (kernel - 1) - 1;
  let result = Math[ceil ? 'ceil' : 'floor'](room / stride) + 1;
  // A window that would begin in the padding behind the input is left out.
  if (ceil && (result - 1) * stride >= length + begin) result--;
  return result >= 0 ? result : undefined;
}

const conv: Rule = (at) => {
  const [shape, weight] = [shapeOf(at), shapeOf(at, 1)];
  if (!shape || shape.length < 2) return likeFirst(at, undefined);
  const kernel: readonly Dim[] = intsOf(at.node, 'kernel_shape') ?? weight?.slice(2) ?? unknownDims(shape.length - 2);
  const window = windowOf(at, kernel);
  const spatial = shape.slice(2).map((length, axis) => slid(window, axis, length, false));
  return likeFirst(at, [shape[0], weight?.[0], ...spatial]);
};

const convTranspose: Rule = (at) => {
  const [shape, weight] = [shapeOf(at), shapeOf(at, 1)];
  if (!shape || shape.length < 2) return likeFirst(at, undefined);
  const kernel: readonly Dim[] = intsOf(at.node, 'kernel_shape') ?? weight?.slice(2) ?? unknownDims(shape.length - 2);
  const window = windowOf(at, kernel);
  const more = intsOf(at.node, 'output_padding') ?? [];
  const stated = intsOf(at.node, 'output_shape');
  const spatial = shape.slice(2).map((length, axis): Dim => {
    if (stated) return stated.at(axis - kernel.length);
    const [k, stride] = [kernel[axis], window.strides[axis] ?? 1];
    if (typeof length !== 'number' || typeof k !== 'number') return undefined;
    if (window.autoPad.startsWith('SAME')) return length * stride;
    const pads = window.autoPad === 'VALID' ? 0 : (window.pads[axis] ?? 0) + (window.pads[axis + kernel.length] ?? 0);
    const result = stride * (length - 1) + (more[axis] ?? 0) + (window.dilations[axis] ?? 1) * (k - 1) + 1 - pads;
    return result >= 0 ? result : undefined;
  });
  const per = weight?.[1];
  return likeFirst(at, [shape[0], typeof per === 'number' ? per * intOf(at.node, 'group', 1) : undefined, ...spatial]);
};

const pool: Rule = (at) => {
  const shape = shapeOf(at);
  if (!shape || shape.length < 2) return likeFirst(at, undefined);
  const window = windowOf(at, intsOf(at.node, 'kernel_shape') ?? unknownDims(shape.length - 2));
  const ceil = intOf(at.node, 'ceil_mode', 0) !== 0;
  const result = [...shape.slice(0, 2), ...shape.slice(2).map((length, axis) => slid(window, axis, length, ceil))];
  return [typed(elemTypeOf(at), result), typed(7, result)];
};

const globalPool: Rule = (at) => {
  const shape = shapeOf(at);
  return likeFirst(at, shape && [...shape.slice(0, 2), ...shape.slice(2).map(() => 1)]);
};

/** Lengths from sizes, or from scales of the input's own. */
const resize: Rule = (at) => {
  const shape = shapeOf(at);
  if (!shape) return likeFirst(at, undefined);
  const [scalesAt, sizesAt] = at.node.opType === 'Upsample' || at.opset < 11 ? [1, -1] : [2, 3];
  const axes = intsOf(at.node, 'axes') ?? shape.map((_length, axis) => axis);
  const stretch = textOf(at.node, 'keep_aspect_ratio_policy', 'stretch') === 'stretch';
  const sizes = sizesAt >= 0 ? wholeLengths(at.inputs[sizesAt]) : undefined;
  const scales = scalesOf(at, scalesAt);
  if (!stretch || axes.length !== (sizes ?? scales)?.length) return likeFirst(at, unknownDims(shape.length));
  const result: Dim[] = [...shape];
  for (const [index, axis] of axes.entries()) {
    const length = shape[axis];
    const scale = scales?.[index];
    if (sizes) result[axis] = sizes[index];
    else if (scale !== 1) {
      const scaled = typeof length === 'number' && scale !== undefined ? Math.floor(length * scale) : undefined;
      result[axis] = scaled !== undefined && Number.isSafeInteger(scaled) && scaled >= 0 ? scaled : undefined;
    }
  }
  return likeFirst(at, result.slice(0, shape.length));
};

function scalesOf(at: RuleInput, input: number): readonly number[] | undefined {
  const stated = at.node.attribute.find(({ name }) => name === 'scales')?.floats;
  if (stated) return stated;
  const data = at.inputs[input]?.constant?.data;
  return data && data.length > 0 ? Array.from<number | bigint, number>(data, Number) : undefined;
}

export const windows: Rules = {
  Conv: conv,
  'com.microsoft.FusedConv': conv,
  ConvInteger: (at) => [typed(6, conv(at)[0]?.shape)],
  ConvTranspose: convTranspose,
  AveragePool: pool,
  MaxPool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  Resize: resize,
  Upsample: resize,
  DepthToSpace: (at) => blocks(at, intOf(at.node, 'blocksize', 1)),
  SpaceToDepth: (at) => blocks(at, 1 / intOf(at.node, 'blocksize', 1)),
};

function blocks(at: RuleInput, factor: number) {
  const shape: Shape | undefined = shapeOf(at);
  if (shape?.length !== 4) return likeFirst(at, undefined);
  const times = (length: Dim, by: number) => {
    const result = typeof length === 'number' ? length * by : undefined;
    return result !== undefined && Number.isSafeInteger(result) ? result : undefined;
  };
  const [batch, channels, height, width] = shape;
  return likeFirst(at, [batch, times(channels, 1 / factor ** 2), times(height, factor), times(width, factor)]);
}
