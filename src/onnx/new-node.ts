// A new node of any domain, without a name: one that the graph has already would be refused.
import type { NodeProto } from 'onnx-buf';
import { makeNode } from './attributes.ts';

export function newNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  ints: Readonly<Record<string, number | readonly number[]>> = {},
  domain = '',
): NodeProto {
  return Object.assign(makeNode(opType, [...input], [...output], ints), { name: '', domain });
}
