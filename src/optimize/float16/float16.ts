// Converts a model to FP16: half the bytes, FP32 where FP16 would not do.
import {
  type GraphProto,
  type NodeProto,
  type TensorProto,
  TensorProto_DataType as Type,
  type ValueInfoProto,
} from 'onnx-buf';
import { makeNode, subgraphsOf } from '../../onnx/attributes.ts';
import { changed } from '../../onnx/changed.ts';
import { operatorName } from '../../onnx/nodes.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { type Inference, inferShapes } from '../graph/infer-shapes.ts';
import { ownConstants } from '../graph/own-constants.ts';
import { removeDead } from '../graph/remove-dead.ts';
import { freshNames, withSubgraphs } from '../graph/scope.ts';
import { sortNodes } from '../graph/sort-nodes.ts';
import { reasonToKeep } from './block-list.ts';
import { halfTensor } from './half-tensor.ts';

export interface Float16Options {
  /** Inputs and outputs stay FP32, with a Cast behind or before them. @default true */
  readonly keepIo?: boolean;
  /** Nodes that stay FP32 beside those of the block list, by name or first output: those that a search found to matter. */
  readonly keep?: ReadonlySet<string>;
}

type Precision = 'single' | 'half';

/** A value of FP32, and the names under which it can be had. */
interface Value {
  single?: string;
  half?: string;
  /** Of a constant, with the place where its FP16 form is put. */
  readonly constant?: { readonly tensor: TensorProto; readonly home: TensorProto[] };
}

interface Conversion {
  readonly inference: Inference;
  readonly fresh: (name: string) => string;
  readonly keep: ReadonlySet<string>;
  /** FP16 form of each constant; null where there is none. */
  readonly halves: Map<TensorProto, TensorProto | null>;
}

/** What a graph sees: the element types of names, and its values of FP32. */
interface Scope {
  readonly elemType: (name: string) => number;
  readonly values: Map<string, Value>;
}

/**
 * The same model in FP16. FP32 stay: the operators of the block list, nodes with a constant that FP16 cannot hold (past
 * 65504, or all of it below 2⁻¹⁴: masks, epsilons), nodes of which `inferShapes` does not know every type, and what
 * passes the border of a subgraph, inside of which the conversion goes on.
 *
 * @throws GlowplugError MODEL_INVALID
 * @example
 * writeFileSync('model.fp16.onnx', writeModel(float16(readModel(readFileSync('model.onnx')))));
 */
export function float16(model: OnnxModel, { keepIo = true, keep = new Set() }: Float16Options = {}): OnnxModel {
  const ready = ownConstants(sortNodes(model));
  const conversion = { inference: inferShapes(ready), fresh: freshNames(ready.graph), keep, halves: new Map() };
  const nothing: Scope = { elemType: () => 0, values: new Map() };
  return removeDead(
    changed(ready, { graph: convertGraph(conversion, ready.graph, nothing, keepIo ? 'single' : 'half') }),
  );
}

/** `border` is the precision in which FP32 comes in and goes out. */
function convertGraph(conversion: Conversion, graph: GraphProto, outer: Scope, border: Precision): GraphProto {
  const types = conversion.inference.graphs.get(graph);
  const scope: Scope = {
    elemType: (name) => types?.get(name)?.elemType ?? outer.elemType(name),
    // A Cast in here is not seen outside; the FP16 form of a constant is.
    values: new Map([...outer.values].map(([name, value]) => [name, value.constant ? value : { ...value }])),
  };
  const isFloat = (name: string) => name !== '' && scope.elemType(name) === Type.FLOAT;
  const home: TensorProto[] = [];
  const node: NodeProto[] = [];
  for (const { name } of graph.input) if (isFloat(name)) scope.values.set(name, { [border]: name });
  for (const tensor of graph.initializer) {
    if (isFloat(tensor.name)) scope.values.set(tensor.name, { single: tensor.name, constant: { tensor, home } });
  }
  const made = new Set(graph.node.flatMap(({ output }) => output));
  const outputs = new Set(graph.output.map(({ name }) => name).filter((name) => made.has(name) && isFloat(name)));

  /** The name of the value in this precision, made where there is none. */
  const having = (name: string, precision: Precision): string => {
    const value = scope.values.get(name);
    if (!value || !isFloat(name)) return name;
    value[precision] ??= convert(name, value, precision);
    return value[precision];
  };
  const convert = (name: string, value: Value, precision: Precision): string => {
    const suffix = precision === 'half' ? 'fp16' : 'fp32';
    const to = outputs.has(name) && precision === border ? name : conversion.fresh(`${name}_${suffix}`);
    const half = value.constant && precision === 'half' ? halfOf(conversion, value.constant.tensor) : null;
    if (half) value.constant?.home.push(changed(half, { name: to }));
    else node.push(castNode(value.single ?? value.half ?? name, to, precision));
    return to;
  };

  for (const one of graph.node) {
    const precision = mayBeHalf(conversion, one, scope) ? 'half' : 'single';
    const input = one.input.map((name) => having(name, precision));
    const output = one.output.map((name) => {
      if (!isFloat(name)) return name;
      // An output of the graph keeps its name for the precision in which it leaves.
      const under = outputs.has(name) && precision !== border ? conversion.fresh(`${name}_inner`) : name;
      scope.values.set(name, { [precision]: under });
      return under;
    });
    node.push(
      withSubgraphs(changed(one, { input, output }), (body) => convertGraph(conversion, body, scope, 'single')),
    );
  }
  for (const name of outputs) having(name, border);
  const asBorder = (one: ValueInfoProto) => (border === 'half' && isFloat(one.name) ? asHalf(one) : one);
  return changed(graph, {
    node,
    initializer: [...graph.initializer, ...home],
    input: graph.input.map(asBorder),
    output: graph.output.map((one) => (outputs.has(one.name) || !made.has(one.name) ? asBorder(one) : one)),
    valueInfo: [],
  });
}

function mayBeHalf(conversion: Conversion, node: NodeProto, { elemType, values }: Scope): boolean {
  if (reasonToKeep(operatorName(node)) !== undefined || subgraphsOf(node).length > 0) return false;
  if (conversion.keep.has(node.name) || conversion.keep.has(node.output[0] ?? '')) return false;
  const names = [...node.input, ...node.output].filter((name) => name !== '');
  if (names.some((name) => elemType(name) === 0)) return false;
  return node.input.every((name) => {
    const constant = values.get(name)?.constant;
    return !constant || halfOf(conversion, constant.tensor) !== null;
  });
}

function halfOf({ halves }: Conversion, tensor: TensorProto): TensorProto | null {
  const known = halves.get(tensor);
  if (known !== undefined) return known;
  const half = halfTensor(tensor) ?? null;
  halves.set(tensor, half);
  return half;
}

function castNode(from: string, to: string, precision: Precision): NodeProto {
  return makeNode('Cast', [from], [to], { to: precision === 'half' ? Type.FLOAT16 : Type.FLOAT });
}

function asHalf(value: ValueInfoProto): ValueInfoProto {
  if (value.type?.value.case !== 'tensorType') return value;
  const tensorType = changed(value.type.value.value, { elemType: Type.FLOAT16 });
  return changed(value, { type: changed(value.type, { value: { case: 'tensorType', value: tensorType } }) });
}
