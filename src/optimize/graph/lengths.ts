// Follows lengths through the operators that shape arithmetic is made of, one by one: [N, 3, 48] stays [N, 3, 48] where a
// constant could not, so that Reshape and Expand are understood with a free batch.
import { intOf } from '../../onnx/attributes.ts';
import { cutRange, cutsOf } from './shape-rules/movement.ts';
import type { RuleInput } from './shape-rules/rule.ts';
import { type Dim, lengthsOf, MAX_RANK, type Shape, wholeLengths } from './value-type.ts';

/** The lengths that the node's output holds; undefined where it holds none, or too many to be a shape. */
export function lengthsAfter(at: RuleInput): Shape | undefined {
  const first = lengthsOf(at.inputs[0]);
  if (!first) return undefined;
  const rank = at.inputs[0]?.shape?.length;
  switch (at.node.opType) {
    case 'Identity':
      return first;
    case 'Cast':
      return intOf(at.node, 'to', 0) === 7 ? first : undefined;
    case 'Unsqueeze':
      return rank === 0 ? first : undefined;
    case 'Squeeze':
    case 'Reshape':
      return first.length === 1 || at.node.opType === 'Reshape' ? first : undefined;
    case 'Concat': {
      const parts = at.inputs.map(lengthsOf);
      const all = parts.every((part) => part !== undefined) ? parts.flat() : undefined;
      return rank === 1 && all && all.length <= MAX_RANK ? all : undefined;
    }
    case 'Gather': {
      const indices = wholeLengths(at.inputs[1]);
      return rank === 1 ? indices?.map((index) => first.at(index)) : undefined;
    }
    case 'Slice': {
      const cut = cutsOf(at, 1)?.get(0);
      if (rank !== 1 || !cut) return undefined;
      const { first: from, count } = cutRange(first.length, cut);
      return Array.from({ length: count }, (_value, index) => first[from + index * cut.step]);
    }
    case 'Add':
    case 'Sub':
    case 'Mul':
    case 'Div':
      return arithmetic(at.node.opType, first, lengthsOf(at.inputs[1]));
    default:
      return undefined;
  }
}

function arithmetic(operator: string, a: Shape, b: Shape | undefined): Shape | undefined {
  if (!b || (a.length !== b.length && a.length !== 1 && b.length !== 1)) return undefined;
  const length = a.length === 1 ? b.length : a.length;
  return Array.from({ length }, (_value, index) =>
    one(operator, a[a.length === 1 ? 0 : index], b[b.length === 1 ? 0 : index]),
  );
}

function one(operator: string, a: Dim, b: Dim): Dim {
  if (typeof a !== 'number' || typeof b !== 'number') {
    if (operator === 'Mul') return b === 1 ? a : a === 1 ? b : undefined;
    if (operator === 'Add') return b === 0 ? a : a === 0 ? b : undefined;
    return (operator === 'Div' && b === 1) || (operator === 'Sub' && b === 0) ? a : undefined;
  }
  const result =
    operator === 'Add' ? a + b : operator === 'Sub' ? a - b : operator === 'Mul' ? a * b : Math.trunc(a / b);
  return Number.isSafeInteger(result) ? result : undefined;
}
