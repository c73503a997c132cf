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
import { freshNames, renamedGraph, withSubgraphs } from '../graph/scope.ts';
import { sortNodes } from '../graph/sort-nodes.ts';
import { reasonToKeep } from './block-list.ts';
import { halfTensor } from './half-tensor.ts';

export interface Float16Options {
  /**
   * `single`: weights are stored in FP16 and nodes compute in FP32, which onnxruntime's CPU kernels do anyway: as fast as
   * FP32, and only the weights are rounded. `half`: nodes compute in FP16, for processors that do.
   *
   * @default 'single'
   */
  readonly compute?: Precision;
  /** Inputs and outputs stay FP32, with a Cast behind or before them. @default true */
  readonly keepIo?: boolean;
  /** Nodes that stay FP32 beside those of the block list, by name or first output: those that a search found to matter. */
  readonly keep?: ReadonlySet<string>;
}

type Precision = 'single' | 'half';
const suffixes = { single: 'fp32', half: 'fp16' } as const;

/** A value of FP32, and the names under which it can be had. */
interface Value {
  single?: string;
  half?: string;
  readonly constant?: Constant;
}

interface Constant {
  readonly tensor: TensorProto;
  readonly home: Home;
  /** Some node takes it as the file has it. */
  isUsed: boolean;
}

/** What is added to the graph that a constant belongs to, for every graph that sees it. */
interface Home {
  readonly tensors: TensorProto[];
  readonly casts: NodeProto[];
}

/** Bytes from which a constant is worth a Cast of its own. */
const LARGE = 1024;

interface Conversion {
  readonly inference: Inference;
  readonly fresh: (name: string) => string;
  readonly keep: ReadonlySet<string>;
  readonly compute: Precision;
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
export function float16(model: OnnxModel, options: Float16Options = {}): OnnxModel {
  const { compute = 'single', keepIo = true, keep = new Set() } = options;
  const ready = ownConstants(sortNodes(model));
  const conversion: Conversion = {
    inference: inferShapes(ready),
    fresh: freshNames(ready.graph),
    keep,
    compute,
    halves: new Map(),
  };
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
  const home: Home = { tensors: [], casts: [] };
  const node: NodeProto[] = [];
  for (const { name } of graph.input) if (isFloat(name)) scope.values.set(name, { [border]: name });
  const made = new Set(graph.node.flatMap(({ output }) => output));
  const given = new Set(graph.input.map(({ name }) => name));
  const graphOutputs = new Set(graph.output.map(({ name }) => name));
  const outputs = new Set([...graphOutputs].filter((name) => made.has(name) && isFloat(name)));

  const ofKept = new Set(graph.node.filter((one) => isKept(conversion, one)).flatMap(({ input }) => input));
  for (const tensor of graph.initializer) {
    if (!isFloat(tensor.name)) continue;
    const value: Value = { constant: { tensor, home, isUsed: false } };
    // A large constant is in the file once, as FP16: who needs FP32 has a Cast, which onnxruntime folds when it loads.
    const isSmall = tensor.rawData.length < LARGE || graphOutputs.has(tensor.name);
    if (isSmall || ofKept.has(tensor.name) || !halfOf(conversion, tensor)) value.single = tensor.name;
    scope.values.set(tensor.name, value);
  }

  /** The name of the value in this precision, made where there is none. */
  const having = (name: string, precision: Precision): string => {
    const value = scope.values.get(name);
    if (!value || !isFloat(name)) return name;
    value[precision] ??= value.constant ? convertConstant(value.constant, precision) : convert(name, precision);
    if (value[precision] === value.constant?.tensor.name) value.constant.isUsed = true;
    return value[precision];
  };
  const convert = (name: string, precision: Precision): string => {
    const to = outputs.has(name) && precision === border ? name : conversion.fresh(`${name}_${suffixes[precision]}`);
    node.push(castNode(having(name, precision === 'half' ? 'single' : 'half'), to, precision));
    return to;
  };
  const convertConstant = ({ tensor, home }: Constant, precision: Precision): string => {
    const to = conversion.fresh(`${tensor.name}_${suffixes[precision]}`);
    const half = halfOf(conversion, tensor);
    if (precision === 'half' && half) home.tensors.push(changed(half, { name: to }));
    else home.casts.push(castNode(having(tensor.name, precision === 'half' ? 'single' : 'half'), to, precision));
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
  // What is used as FP16 alone takes the constant's own name.
  const names = new Map<string, string>();
  for (const { half, constant } of scope.values.values()) {
    if (half && constant?.home === home && !constant.isUsed && !graphOutputs.has(constant.tensor.name)) {
      names.set(half, constant.tensor.name);
    }
  }
  const replaced = new Set(names.values());
  const converted = changed(graph, {
    node: [...home.casts, ...node],
    initializer: [...graph.initializer.filter(({ name }) => !replaced.has(name)), ...home.tensors],
    input: graph.input.map(asBorder),
    output: graph.output.map((one) => (outputs.has(one.name) || given.has(one.name) ? asBorder(one) : one)),
    valueInfo: [],
  });
  return names.size === 0 ? converted : renamedGraph(converted, names);
}

function isKept({ keep }: Conversion, { name, output }: NodeProto): boolean {
  return keep.has(name) || keep.has(output[0] ?? '');
}

function mayBeHalf(conversion: Conversion, node: NodeProto, { elemType, values }: Scope): boolean {
  if (conversion.compute === 'single' || reasonToKeep(operatorName(node)) !== undefined || subgraphsOf(node).length > 0)
    return false;
  if (isKept(conversion, node)) return false;
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
