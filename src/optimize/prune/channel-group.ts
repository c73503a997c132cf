// Which layers share their channels: what one layer makes, an addition or a normalisation behind it carries on, and the
// next layer takes. Removing a channel means removing it from all of them.
import type { GraphProto, NodeProto } from 'onnx-buf';
import { intOf } from '../../onnx/attributes.ts';
import { needs } from '../graph/scope.ts';
import { describeNode } from '../graph/sort-nodes.ts';
import type { ValueType } from '../graph/value-type.ts';

/** One axis of a constant along which channels are cut. */
export interface Cut {
  readonly tensor: string;
  readonly axis: number;
  /** `out`: the weights that make a channel; `in`: those that take it; `along`: one value a channel. */
  readonly role: 'out' | 'in' | 'along';
}

export interface ChannelGroup {
  readonly channels: number;
  readonly cuts: readonly Cut[];
  /** The layers that make the channels. */
  readonly makers: ReadonlySet<NodeProto>;
  /** Depthwise convolutions, whose `group` is the number of channels. */
  readonly depthwise: ReadonlySet<NodeProto>;
}

/** What stands against pruning, with the node that does. */
export interface Refusal {
  readonly refused: string;
}

export interface Graph {
  readonly graph: GraphProto;
  readonly types: ReadonlyMap<string, ValueType>;
  readonly tensors: ReadonlySet<string>;
  readonly makerOf: ReadonlyMap<string, NodeProto>;
  readonly usersOf: ReadonlyMap<string, readonly NodeProto[]>;
}

export function readGraph(graph: GraphProto, types: ReadonlyMap<string, ValueType>): Graph {
  const usersOf = new Map<string, NodeProto[]>();
  for (const node of graph.node) {
    for (const name of needs(node)) {
      const users = usersOf.get(name);
      if (users) users.push(node);
      else usersOf.set(name, [node]);
    }
  }
  return {
    graph,
    types,
    tensors: new Set(graph.initializer.map(({ name }) => name)),
    makerOf: new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node]))),
    usersOf,
  };
}

const each: ReadonlySet<string> = new Set(
  'Relu LeakyRelu Sigmoid HardSigmoid HardSwish Tanh Elu Selu Softplus Softsign Clip Abs Neg Exp Sqrt Erf Gelu Mish Identity Dropout Cast'.split(
    ' ',
  ),
);
const together: ReadonlySet<string> = new Set(['Add', 'Sum', 'Sub', 'Mul', 'Div', 'PRelu']);
const pools: ReadonlySet<string> = new Set(['MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool']);

class Stop extends Error {}

/** The group of the channels that a layer makes. */
export function channelGroup(at: Graph, layer: NodeProto): ChannelGroup | Refusal {
  const outputs = new Set(at.graph.output.map(({ name }) => name));
  const first = layer.output[0]!;
  const axis = layer.opType.startsWith('Conv') ? 1 : (at.types.get(first)?.shape?.length ?? 0) - 1;
  const channels = at.types.get(first)?.shape?.[axis];
  if (typeof channels !== 'number' || axis < 1)
    return { refused: `${describeNode(layer)}: its channels are not known` };

  const cuts = new Map<string, Cut>();
  const makers = new Set<NodeProto>();
  const depthwise = new Set<NodeProto>();
  const seen = new Set<string>();
  const waiting: string[] = [];
  const join = (name: string, by: NodeProto) => {
    if (seen.has(name)) return;
    const shape = at.types.get(name)?.shape;
    if (shape?.[axis] !== channels) throw stop(by, 'it joins values of other channels');
    if (outputs.has(name)) throw stop(by, `its channels leave the model as ${name}`);
    if (!at.makerOf.has(name)) throw stop(by, `its channels come into the model as ${name}`);
    seen.add(name);
    waiting.push(name);
  };
  const cut = (node: NodeProto, tensor: string | undefined, along: number, role: Cut['role']) => {
    if (!tensor) return;
    if (!at.tensors.has(tensor)) throw stop(node, 'its weights are computed');
    if (at.usersOf.get(tensor)?.length !== 1 || outputs.has(tensor))
      throw stop(node, `others use its weights ${tensor}`);
    if (at.types.get(tensor)?.shape?.[along] !== channels)
      throw stop(node, `its weights ${tensor} have other channels`);
    cuts.set(`${tensor} ${along}`, { tensor, axis: along, role });
  };

  /** A node at which the channels come in (`from`) or go out. */
  const touch = (node: NodeProto, from: string | undefined) => {
    const [input, weight, bias] = node.input;
    const output = node.output[0]!;
    const isOnnx = node.domain === '' || node.domain === 'ai.onnx';
    if (!isOnnx) throw stop(node, 'the operator is not known');
    if (node.opType === 'Conv' && intOf(node, 'group', 1) === channels && channels > 1) {
      if (at.types.get(weight!)?.shape?.[1] !== 1 || from === weight)
        throw stop(node, 'it is neither depthwise nor of one group');
      cut(node, weight, 0, 'along');
      cut(node, bias, 0, 'along');
      depthwise.add(node);
      join(input!, node);
      join(output, node);
      return;
    }
    if (node.opType === 'Conv' || node.opType === 'ConvTranspose') {
      if (intOf(node, 'group', 1) !== 1) throw stop(node, 'it has groups');
      const [out, into] = node.opType === 'Conv' ? [0, 1] : [1, 0];
      if (from !== undefined) {
        if (from !== input) throw stop(node, 'its weights are computed');
        return cut(node, weight, into, 'in');
      }
      cut(node, weight, out, 'out');
      cut(node, bias, 0, 'along');
      makers.add(node);
      return;
    }
    if (node.opType === 'MatMul' || node.opType === 'Gemm') {
      const turned = node.opType === 'Gemm' && intOf(node, 'transB', 0) !== 0;
      const rank = at.types.get(from ?? output)?.shape?.length;
      if (at.types.get(weight!)?.shape?.length !== 2 || axis + 1 !== rank || intOf(node, 'transA', 0) !== 0) {
        throw stop(node, 'it is no layer over the last axis');
      }
      if (from !== undefined) {
        if (from !== input) throw stop(node, 'its weights are computed');
        return cut(node, weight, turned ? 1 : 0, 'in');
      }
      cut(node, weight, turned ? 0 : 1, 'out');
      const along = (at.types.get(bias ?? '')?.shape?.length ?? 0) - 1;
      if (bias && at.types.get(bias)?.shape?.at(-1) !== 1) cut(node, bias, along, 'along');
      makers.add(node);
      return;
    }
    if (node.opType === 'BatchNormalization' && axis === 1) {
      for (const name of node.input.slice(1, 5)) cut(node, name, 0, 'along');
      join(input!, node);
      join(output, node);
      return;
    }
    if (each.has(node.opType) || (pools.has(node.opType) && axis === 1)) {
      if (from !== undefined && from !== input) throw stop(node, 'it takes the channels as something else');
      if (node.output.length > 1) throw stop(node, 'it has more than one output');
      join(input!, node);
      join(output, node);
      return;
    }
    if (node.opType === 'Flatten' && axis === 1 && intOf(node, 'axis', 1) === 1) {
      if (
        at.types
          .get(input!)
          ?.shape?.slice(2)
          .some((length) => length !== 1)
      )
        throw stop(node, 'it mixes channels with places');
      join(input!, node);
      join(output, node);
      return;
    }
    if (together.has(node.opType)) {
      for (const name of node.input) operand(node, name);
      join(output, node);
      return;
    }
    throw stop(node, 'what it does with channels is not known here');
  };
  /** One side of an addition or the like: broadcast, one value a channel, or channels itself. */
  const operand = (node: NodeProto, name: string) => {
    const shape = at.types.get(name)?.shape;
    const rank = at.types.get(node.output[0]!)?.shape?.length;
    if (!shape || !rank) throw stop(node, 'its shapes are not known');
    const along = axis - (rank - shape.length);
    if (along < 0 || shape[along] === 1) return;
    if (at.tensors.has(name)) cut(node, name, along, 'along');
    else if (along === axis) join(name, node);
    else throw stop(node, 'it joins values of other ranks');
  };

  try {
    join(first, layer);
    for (const name of waiting) {
      touch(at.makerOf.get(name)!, undefined);
      for (const user of at.usersOf.get(name) ?? []) touch(user, name);
    }
  } catch (error) {
    if (error instanceof Stop) return { refused: error.message };
    throw error;
  }
  return { channels, cuts: [...cuts.values()], makers, depthwise };
}

function stop(node: NodeProto, why: string): Stop {
  return new Stop(`${describeNode(node)}: ${why}`);
}
