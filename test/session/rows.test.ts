import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Datatype, datatypes } from '../../src/core/signature.ts';
import { joinRows, splitRows } from '../../src/session/rows.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';

/** A tensor of `shape` whose elements are `from`, `from + 1` …, as its type can hold them. */
function counting(datatype: Datatype, shape: readonly number[], from: number): Tensor {
  const count = shape.reduce((product, length) => product * length, 1);
  const numbers = Array.from({ length: count }, (_, i) => (from + i) % 100);
  switch (datatype) {
    case 'BYTES':
      return tensor(datatype, shape, numbers.map(String));
    case 'INT64':
      return tensor(datatype, shape, BigInt64Array.from(numbers, BigInt));
    case 'UINT64':
      return tensor(datatype, shape, BigUint64Array.from(numbers, BigInt));
    case 'FP32':
      return tensor(datatype, shape, Float32Array.from(numbers));
    case 'FP64':
      return tensor(datatype, shape, Float64Array.from(numbers));
    case 'INT32':
      return tensor(datatype, shape, Int32Array.from(numbers));
    case 'UINT32':
      return tensor(datatype, shape, Uint32Array.from(numbers));
    case 'INT16':
      return tensor(datatype, shape, Int16Array.from(numbers));
    case 'INT8':
      return tensor(datatype, shape, Int8Array.from(numbers));
    case 'UINT16':
    case 'FP16':
      return tensor(datatype, shape, Uint16Array.from(numbers));
    case 'BOOL':
    case 'UINT8':
      return tensor(datatype, shape, Uint8Array.from(numbers));
  }
}

const all = (x: Tensor) => ({ tensors: { x }, from: 0, to: x.shape[0]! });

describe('rows', () => {
  it('are joined one after another and filled up to the longest', () => {
    const joined = joinRows(
      [
        all(tensor('INT64', [1, 2], BigInt64Array.of(1n, 2n))),
        all(tensor('INT64', [2, 3], BigInt64Array.of(3n, 4n, 5n, 6n, 7n, 8n))),
      ],
      () => 9,
    );
    expect(joined).toEqual({ x: tensor('INT64', [3, 3], BigInt64Array.of(1n, 2n, 9n, 3n, 4n, 5n, 6n, 7n, 8n)) });
  });

  it('fill halves with the half of the number, and text with nothing', () => {
    const halves = joinRows(
      [all(tensor('FP16', [1, 1], Uint16Array.of(0))), all(tensor('FP16', [1, 2], Uint16Array.of(0, 0)))],
      () => 1,
    );
    expect(halves['x']?.data).toEqual(Uint16Array.of(0, 0x3c00, 0, 0));
    const text = joinRows([all(tensor('BYTES', [1, 1], ['a'])), all(tensor('BYTES', [1, 2], ['b', 'c']))], () => 1);
    expect(text['x']?.data).toEqual(['a', '', 'b', 'c']);
  });

  it('are refused when the model did not answer as many as went in', () => {
    expect(() => splitRows({ y: tensor('FP32', [1], Float32Array.of(1)) }, [1, 1])).toThrow(
      'expected output "y" of 2 rows, got shape [1]: the model cannot be batched',
    );
  });

  it('hold no memory in which another’s rows stand', () => {
    const [mine] = splitRows({ y: tensor('FP32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6)) }, [1, 2]);
    const { data } = mine!['y']!;
    expect(ArrayBuffer.isView(data) && data.buffer.byteLength).toBe(8);
  });

  it('come back as they went in: any element type, rank, lengths and filling', () => {
    let cases = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...datatypes),
        fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
        fc.array(
          fc.record({
            rows: fc.integer({ min: 1, max: 4 }),
            own: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 3 }),
            padded: fc.boolean(),
            skip: fc.integer({ min: 0, max: 2 }),
          }),
          { minLength: 1, maxLength: 5 },
        ),
        fc.integer({ min: 0, max: 1 }),
        (datatype, axes, callers, filler) => {
          cases++;
          const slices = callers.map(({ rows, own, padded, skip }, at) => {
            const shape = [rows + skip, ...axes.map((length, axis) => (padded ? own[axis]! : length))];
            return { tensors: { x: counting(datatype, shape, 10 * at) }, from: skip, to: rows + skip };
          });
          const back = splitRows(
            joinRows(slices, () => filler),
            slices.map(({ from, to }) => to - from),
            (_name, at) => slices[at]!.tensors.x.shape.slice(1),
          );
          for (const [at, { tensors, from, to }] of slices.entries()) {
            const { shape, data } = tensors.x;
            const size = shape.slice(1).reduce((product, length) => product * length, 1);
            expect(back[at]!['x']).toEqual({
              datatype,
              shape: [to - from, ...shape.slice(1)],
              data: data.slice(from * size, to * size),
            });
          }
        },
      ),
      { numRuns: 2000 },
    );
    console.log(`rows joined and split: ${cases} cases`);
  });
});
