// Operators that move elements: reshape, transpose, cut, join, repeat.
import { intOf, intsOf } from '../../../onnx/attributes.ts';
import {
  axisOf,
  broadcast,
  type Dim,
  isStatic,
  lengthsOf,
  productOf,
  type Shape,
  sumOf,
  typed,
  wholeLengths,
} from '../value-type.ts';
import {
  axisFrom,
  elemTypeOf,
  intsFrom,
  likeFirst,
  type Rule,
  type RuleInput,
  type Rules,
  shapeOf,
  unknownDims,
  withDim,
} from './rule.ts';

const reshape: Rule = (at) => {
  const from = shapeOf(at);
  const stated = intsOf(at.node, 'shape');
  const wanted: Shape | undefined = stated ?? lengthsOf(at.inputs[1]);
  if (!wanted) {
    const rank = at.inputs[1]?.shape?.[0];
    return likeFirst(at, typeof rank === 'number' && rank <= 64 ? unknownDims(rank) : undefined);
  }
  const zeroIsZero = intOf(at.node, 'allowzero', 0) !== 0;
  const to = wanted.map((length, axis): Dim => (length === 0 && !zeroIsZero ? from?.[axis] : length));
  const free = to.indexOf(-1);
  if (free < 0) return likeFirst(at, to);
  return likeFirst(at, withDim(to, free, remainder(from, to, free)));
};

/** The length that -1 stands for. Lengths that are on both sides and free fall out of the division. */
function remainder(from: Shape | undefined, to: Shape, free: number): Dim {
  if (!from) return undefined;
  const left: Dim[] = [...from];
  const rest: number[] = [];
  for (const [axis, length] of to.entries()) {
    if (axis === free) continue;
    if (typeof length === 'number') rest.push(length);
    else if (length === undefined) return undefined;
    else {
      const index = left.indexOf(length);
      if (index < 0) return undefined;
      left.splice(index, 1);
    }
  }
  const symbols = left.filter((length) => typeof length !== 'number');
  const whole = left.reduce<number>((product, length) => product * (typeof length === 'number' ? length : 1), 1);
  const divisor = rest.reduce((product, length) => product * length, 1);
  if (symbols.length === 1 && whole === divisor) return symbols[0];
  const result = whole / divisor;
  return symbols.length === 0 && Number.isSafeInteger(result) && result >= 0 ? result : undefined;
}

const slice: Rule = (at) => {
  const shape = shapeOf(at);
  if (!shape) return likeFirst(at, undefined);
  const cuts = cutsOf(at, shape.length);
  if (!cuts) return likeFirst(at, unknownDims(shape.length));
  return likeFirst(
    at,
    shape.map((length, axis) => {
      const cut = cuts.get(axis);
      return cut ? cutLength(length, cut) : length;
    }),
  );
};

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Axis → what Slice takes of it; undefined when that comes at run time. */
export function cutsOf(at: RuleInput, rank: number): Map<number, Cut> | undefined {
  const [starts, ends, axes, steps] = ['starts', 'ends', 'axes', 'steps'].map((name, index) =>
    intsFrom(at, name, index + 1),
  );
  if (!Array.isArray(starts) || !Array.isArray(ends) || axes === 'unknown' || steps === 'unknown') return undefined;
  const cuts = new Map<number, Cut>();
  for (const [index, start] of starts.entries()) {
    const axis = axisOf(axes ? (axes[index] ?? Number.NaN) : index, rank);
    const end: number | undefined = ends[index];
    const step = steps?.[index] ?? 1;
    if (axis === undefined || end === undefined || step === 0) return undefined;
    cuts.set(axis, { start, end, step });
  }
  return cuts;
}

/** First index and count that a cut takes of an axis of `length`. */
export function cutRange(length: number, { start, end, step }: Cut): { first: number; count: number } {
  const at = (index: number) => (index < 0 ? index + length : index);
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const within = (index: number) => Math.min(Math.max(index, low), high);
  const first = step > 0 ? within(at(start)) : Math.min(Math.max(at(start), 0), length - 1);
  return { first, count: Math.max(0, Math.ceil((within(at(end)) - first) / step)) };
}

function cutLength(length: Dim, cut: Cut): Dim {
  if (typeof length === 'number') return cutRange(length, cut).count;
  const all = cut.step === 1 && cut.start === 0 && cut.end >= 2 ** 31 - 1;
  return all ? length : undefined;
}

const concat: Rule = (at) => {
  const shapes = at.node.input.map((_name, index) => shapeOf(at, index));
  const first = shapes[0];
  const axis = first && axisFrom(at, at.opset < 4 ? 1 : 0, first.length);
  if (!first || axis === undefined) return likeFirst(at, undefined);
  const joined = first.map((_length, index): Dim => {
    const lengths = shapes.map((shape) => shape?.[index]);
    if (index !== axis) return lengths.find((length) => typeof length === 'number') ?? lengths[0];
    return sumOf(lengths);
  });
  return likeFirst(at, joined);
};

const squeeze: Rule = (at) => {
  const shape = shapeOf(at);
  const axes = intsFrom(at, 'axes', 1);
  if (!shape || axes === 'unknown') return likeFirst(at, undefined);
  if (!axes) return likeFirst(at, isStatic(shape) ? shape.filter((length) => length !== 1) : undefined);
  const gone = new Set(axes.map((axis) => axisOf(axis, shape.length)));
  return likeFirst(at, gone.has(undefined) ? undefined : shape.filter((_length, axis) => !gone.has(axis)));
};

const unsqueeze: Rule = (at) => {
  const shape = shapeOf(at);
  const axes = intsFrom(at, 'axes', 1);
  if (!shape || !Array.isArray(axes)) return likeFirst(at, undefined);
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => axisOf(axis, rank)));
  if (added.has(undefined) || added.size !== axes.length || rank > 64) return likeFirst(at, undefined);
  const rest = [...shape];
  return likeFirst(
    at,
    Array.from({ length: rank }, (_value, axis) => (added.has(axis) ? 1 : rest.shift())),
  );
};

const gather: Rule = (at) => {
  const [shape, indices] = [shapeOf(at), shapeOf(at, 1)];
  const axis = shape && axisFrom(at, 0, shape.length);
  if (!shape || !indices || axis === undefined) return likeFirst(at, undefined);
  return likeFirst(at, [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)]);
};

const split: Rule = (at) => {
  const shape = shapeOf(at);
  const axis = shape && axisFrom(at, 0, shape.length);
  const parts = intsFrom(at, 'split', 1);
  const count = at.node.output.length;
  return at.node.output.map((_name, index) => {
    if (!shape || axis === undefined) return typed(elemTypeOf(at), undefined);
    if (Array.isArray(parts)) return typed(elemTypeOf(at), withDim(shape, axis, parts[index]));
    const length = shape[axis];
    if (parts === 'unknown' || typeof length !== 'number')
      return typed(elemTypeOf(at), withDim(shape, axis, undefined));
    const size = Math.ceil(length / count);
    return typed(elemTypeOf(at), withDim(shape, axis, Math.max(0, Math.min(size, length - index * size))));
  });
};

const pad: Rule = (at) => {
  const shape = shapeOf(at);
  const pads = intsFrom(at, 'pads', 1);
  if (!shape) return likeFirst(at, undefined);
  const axes = at.node.input[3] ? wholeLengths(at.inputs[3]) : shape.map((_length, axis) => axis);
  if (!Array.isArray(pads) || !axes || pads.length !== 2 * axes.length) return likeFirst(at, unknownDims(shape.length));
  const result: Dim[] = [...shape];
  for (const [index, stated] of axes.entries()) {
    const axis = axisOf(stated, shape.length);
    const more = pads[index]! + pads[index + axes.length]!;
    if (axis === undefined) return likeFirst(at, undefined);
    const length = shape[axis];
    if (more !== 0) result[axis] = typeof length === 'number' && length + more >= 0 ? length + more : undefined;
  }
  return likeFirst(at, result);
};

export const movement: Rules = {
  Reshape: reshape,
  Slice: slice,
  Concat: concat,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Gather: gather,
  GatherElements: (at) => likeFirst(at, shapeOf(at, 1)),
  GatherND: (at) => {
    const [shape, indices] = [shapeOf(at), shapeOf(at, 1)];
    const depth = indices?.at(-1);
    const batch = intOf(at.node, 'batch_dims', 0);
    if (!shape || !indices || typeof depth !== 'number') return likeFirst(at, undefined);
    return likeFirst(at, [...indices.slice(0, -1), ...shape.slice(batch + depth)]);
  },
  ScatterElements: (at) => likeFirst(at, shapeOf(at)),
  ScatterND: (at) => likeFirst(at, shapeOf(at)),
  Scatter: (at) => likeFirst(at, shapeOf(at)),
  ReverseSequence: (at) => likeFirst(at, shapeOf(at)),
  Split: split,
  Pad: pad,
  Transpose: (at) => {
    const shape = shapeOf(at);
    const order = intsOf(at.node, 'perm') ?? shape?.map((_length, axis) => shape.length - 1 - axis);
    return likeFirst(at, shape && order?.length === shape.length ? order.map((axis) => shape[axis]) : undefined);
  },
  Flatten: (at) => {
    const shape = shapeOf(at);
    const axis = intOf(at.node, 'axis', 1);
    if (!shape || Math.abs(axis) > shape.length) return likeFirst(at, undefined);
    const front = axis < 0 ? axis + shape.length : axis;
    return likeFirst(at, [productOf(shape.slice(0, front)), productOf(shape.slice(front))]);
  },
  Expand: (at) => {
    const wanted = lengthsOf(at.inputs[1]);
    return likeFirst(at, wanted ? broadcast([shapeOf(at), wanted]) : undefined);
  },
  Tile: (at) => {
    const shape = shapeOf(at);
    const times = lengthsOf(at.inputs[1]);
    return likeFirst(
      at,
      shape?.map((length, axis) => {
        const by = times?.[axis];
        if (by === 1) return length;
        return typeof length === 'number' && typeof by === 'number' ? length * by : undefined;
      }),
    );
  },
};
