// What a shape rule is given: a node, its inputs' types, and the opset that says what the node means.
import type { NodeProto } from 'onnx-buf';
import { intOf, intsOf } from '../../../onnx/attributes.ts';
import { axisOf, type Shape, typed, type ValueType, wholeLengths } from '../value-type.ts';

export interface RuleInput {
  readonly node: NodeProto;
  /** Of the operator's domain. */
  readonly opset: number;
  /** Types of the inputs by position; undefined for one that is left out or of which nothing is known. */
  readonly inputs: readonly (ValueType | undefined)[];
}

/** Types of the outputs by position; undefined for one of which nothing is known. */
export type Rule = (at: RuleInput) => readonly (ValueType | undefined)[];
export type Rules = Readonly<Record<string, Rule>>;

export function elemTypeOf(at: RuleInput, input = 0): number {
  return at.inputs[input]?.elemType ?? 0;
}

export function shapeOf(at: RuleInput, input = 0): Shape | undefined {
  return at.inputs[input]?.shape;
}

/** The first output, of the first input's element type. */
export function likeFirst(at: RuleInput, shape: Shape | undefined): ValueType[] {
  return [typed(elemTypeOf(at), shape)];
}

export const same: Rule = (at) => likeFirst(at, shapeOf(at));

/** Whole numbers that old opsets have as an attribute and new ones as an input; 'unknown' when they come at run time. */
export function intsFrom(at: RuleInput, attribute: string, input: number): readonly number[] | 'unknown' | undefined {
  const stated = intsOf(at.node, attribute);
  if (stated) return stated;
  if (!at.node.input[input]) return undefined;
  return wholeLengths(at.inputs[input]) ?? 'unknown';
}

export function axisFrom(at: RuleInput, fallback: number, rank: number): number | undefined {
  return axisOf(intOf(at.node, 'axis', fallback), rank);
}

export function unknownDims(rank: number): Shape {
  return new Array<undefined>(Math.max(0, rank)).fill(undefined);
}

/** The shape with another length at one axis. */
export function withDim(shape: Shape, axis: number, length: Shape[number]): Shape {
  return shape.map((old, index) => (index === axis ? length : old));
}
