// Raises a model's opset where that changes nothing but the number, or a form that can be rewritten by rule.
import { type GraphProto, type NodeProto, TensorProto_DataType as Type } from 'onnx-buf';
import { GlowplugError } from '../../core/errors.ts';
import { attributeOf, intOf, makeNode } from '../../onnx/attributes.ts';
import { changed } from '../../onnx/changed.ts';
import { domainName } from '../../onnx/nodes.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { int64s, makeTensor, type TensorValues } from '../../onnx/tensor-values.ts';
import { inferShapes } from './infer-shapes.ts';
import { freshNames, mapGraphs } from './scope.ts';
import { describeNode } from './sort-nodes.ts';

/** The span that the tables below know: what lies outside is refused. */
const [OLDEST, NEWEST] = [9, 21];

interface Step {
  readonly opset: number;
  /** The name of a new constant. */
  readonly constant: (values: TensorValues) => string;
  readonly rankOf: (name: string) => number | undefined;
}

/** Attributes that became inputs: opset → operator → attributes in the order of the inputs. */
const moved: Readonly<Record<number, Readonly<Record<string, readonly string[]>>>> = {
  10: { Slice: ['starts', 'ends', 'axes'] },
  11: { Clip: ['min', 'max'] },
  13: { Squeeze: ['axes'], Unsqueeze: ['axes'], ReduceSum: ['axes'], Split: ['split'] },
  18: Object.fromEntries(
    'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare'
      .split(' ')
      .map((name) => [name, ['axes']]),
  ),
};

/** Operators that mean something else from an opset on, unless the check lets the node pass. */
const breaks: Readonly<Record<number, Readonly<Record<string, (node: NodeProto, step: Step) => boolean>>>> = {
  10: { Dropout: never, TopK: never, Upsample: never, Resize: never },
  11: { Pad: never, Resize: never, TopK: never, OneHot: never, Scan: never, Scatter: never },
  12: { Dropout: never },
  // Before 13 the axis parted rows from columns: only at the last axis is that the same.
  13: { Softmax: isLastAxis, LogSoftmax: isLastAxis, Hardmax: isLastAxis },
  14: { BatchNormalization: (node) => node.output.length === 1 },
  16: { RoiAlign: never },
  18: { Resize: never, Split: (node) => node.input.length > 1 },
  19: { Resize: never, AveragePool: (node) => intOf(node, 'ceil_mode', 0) === 0 },
  20: { GridSample: never, DFT: never },
  21: { GroupNormalization: never },
};

/**
 * The model at opset `to` of the default domain.
 *
 * @throws GlowplugError MODEL_UNSUPPORTED naming the node that stands against it
 */
export function raiseOpset(model: OnnxModel, to: number): OnnxModel {
  const from = Number(model.opsetImport.find(({ domain }) => domainName(domain) === 'ai.onnx')?.version ?? 0n);
  if (from === to) return model;
  if (from < OLDEST || to > NEWEST || to < from) {
    throw unsupported(`expected to raise an opset from ${OLDEST} or later to at most ${NEWEST}, got ${from} to ${to}`);
  }
  let current = model;
  for (let opset = from + 1; opset <= to; opset++) current = raiseByOne(current, opset);
  return changed(current, {
    opsetImport: model.opsetImport.map((one) =>
      domainName(one.domain) === 'ai.onnx' ? changed(one, { version: BigInt(to) }) : one,
    ),
  });
}

function raiseByOne(model: OnnxModel, opset: number): OnnxModel {
  const fresh = freshNames(model.graph);
  // Ranks matter where an axis changed its meaning.
  const { graphs } = opset === 13 ? inferShapes(model) : { graphs: new Map() };
  return mapGraphs(model, (graph, original) => {
    const initializer = [...graph.initializer];
    const step: Step = {
      opset,
      constant: (values) => {
        const name = fresh(`opset_${opset}`);
        initializer.push(makeTensor(name, values));
        return name;
      },
      rankOf: (name) => graphs.get(original)?.get(name)?.shape?.length,
    };
    return changed<GraphProto>(graph, { node: graph.node.map((one) => raised(one, step)), initializer });
  });
}

function raised(node: NodeProto, step: Step): NodeProto {
  if (domainName(node.domain) !== 'ai.onnx') return node;
  const { opset } = step;
  const check = entry(breaks[opset], node.opType);
  if (check && !check(node, step))
    throw unsupported(`${describeNode(node)} means something else from opset ${opset} on`);
  const names = entry(moved[opset], node.opType);
  if (names) return attributesToInputs(node, names, step);
  return opset === 13 && check ? withLastAxis(node) : node;
}

/** An operator may be called `constructor`. */
function entry<T>(table: Readonly<Record<string, T>> | undefined, operator: string): T | undefined {
  return table && Object.hasOwn(table, operator) ? table[operator] : undefined;
}

function attributesToInputs(node: NodeProto, names: readonly string[], { constant }: Step): NodeProto {
  const values = names.map((name) => {
    const attribute = attributeOf(node, name);
    if (!attribute) return '';
    if (attribute.ints.length > 0) return constant(int64s(attribute.ints.map(Number)));
    return constant({ elemType: Type.FLOAT, shape: [], data: Float32Array.of(attribute.f) });
  });
  const input = [...node.input, ...values];
  while (input.at(-1) === '') input.pop();
  return changed(node, { input, attribute: node.attribute.filter(({ name }) => !names.includes(name)) });
}

function isLastAxis(node: NodeProto, { rankOf }: Step): boolean {
  const axis = intOf(node, 'axis', 1);
  return axis === -1 || axis + 1 === rankOf(node.input[0] ?? '');
}

function withLastAxis(node: NodeProto): NodeProto {
  const { attribute } = makeNode('', [], [], { axis: -1 });
  return changed(node, { attribute: [...node.attribute.filter(({ name }) => name !== 'axis'), ...attribute] });
}

function never(): boolean {
  return false;
}

function unsupported(message: string): GlowplugError {
  return new GlowplugError('MODEL_UNSUPPORTED', message, { remedy: 'Export the model with the newer opset instead.' });
}
