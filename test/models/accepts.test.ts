import { describe, expect, it } from 'vitest';
import type { Dimension, Signature } from '../../src/core/signature.ts';
import { accepts } from '../../src/models/accepts.ts';

const of = (x: Dimension[], y: Dimension[]): Signature => ({
  inputs: { x: { datatype: 'FP32', shape: x } },
  outputs: { y: { datatype: 'FP32', shape: y } },
});
const locked = of(['N', 3], ['N', 10]);

describe('a version stands in for the locked one', () => {
  it.each<[string, Signature]>([
    ['the same', locked],
    ['a free dimension of another name', of(['batch', 3], ['batch', 10])],
    ['an input that takes more', of(['N', 'C'], ['N', 10])],
    ['one output more', { ...locked, outputs: { ...locked.outputs, z: { datatype: 'INT64', shape: [] } } }],
    ['an output of a fixed length where any was expected', of(['N', 3], [1, 10])],
  ])('that is %s', (_what, other) => {
    expect(() => accepts(locked, other)).not.toThrow();
  });

  it.each<[string, Signature, RegExp]>([
    [
      'an input renamed',
      { ...locked, inputs: { z: locked.inputs['x']! } },
      /expected inputs \["x"\], got one more: "z"/,
    ],
    ['an input gone', { ...locked, inputs: {} }, /expected input "x" as .*, got none/],
    ['one input more', { ...locked, inputs: { ...locked.inputs, z: locked.inputs['x']! } }, /one more: "z"/],
    ['an input that takes less', of([1, 3], ['N', 10]), /expected input "x"/],
    ['an input of another length', of(['N', 4], ['N', 10]), /expected input "x"/],
    ['an output gone', { ...locked, outputs: {} }, /expected output "y" as .*, got none/],
    ['an output of another length', of(['N', 3], ['N', 11]), /expected output "y"/],
    ['an output whose length was fixed', of(['N', 3], ['N', 'C']), /expected output "y"/],
    ['a rank more', of(['N', 3], ['N', 10, 1]), /expected output "y"/],
    [
      'another element type',
      { ...locked, outputs: { y: { datatype: 'FP16', shape: ['N', 10] } } },
      /expected output "y" as .*FP32.*, got .*FP16/,
    ],
  ])('but not with %s', (_what, other, message) => {
    expect(() => accepts(locked, other)).toThrow(message);
  });
});
