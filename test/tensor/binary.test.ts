import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Datatype, datatypes } from '../../src/core/signature.ts';
import { decodeBinary, elementBytes, encodeBinary } from '../../src/tensor/binary.ts';
import { runs } from '../runs.ts';

const fixed = datatypes.filter((datatype): datatype is Exclude<Datatype, 'BYTES'> => datatype !== 'BYTES');

describe('tensors as bytes', () => {
  it('come back bit for bit, wherever they lie, for every element type', () => {
    let cases = 0;
    const bytes = fc.uint8Array({ maxLength: 64 });
    fc.assert(
      fc.property(fc.constantFrom(...fixed), bytes, fc.nat(9), fc.boolean(), (datatype, sample, offset, asBuffer) => {
        cases++;
        const size = elementBytes(datatype);
        const count = Math.floor(sample.length / size);
        const sent = sample.subarray(0, count * size).map((byte) => (datatype === 'BOOL' ? byte & 1 : byte));
        const body = new Uint8Array(offset + sent.length);
        body.set(sent, offset);
        const whole = asBuffer ? Buffer.from(body.buffer) : body;
        const tensor = decodeBinary('x', datatype, [count], whole.subarray(offset));
        expect(tensor.data).toHaveLength(count);
        expect([...encodeBinary(tensor)]).toEqual([...sent]);
      }),
      { numRuns: runs(1000) },
    );
    const elements = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
        fc.uint8Array(),
      ),
    );
    fc.assert(
      fc.property(elements, (list) => {
        cases++;
        const data = list.map((element) => new Uint8Array(element));
        const sent = encodeBinary({ datatype: 'BYTES', shape: [list.length], data });
        expect(encodeBinary(decodeBinary('x', 'BYTES', [list.length], sent))).toEqual(sent);
      }),
      { numRuns: runs(300) },
    );
    console.log(`binary tensors: ${cases} random tensors`);
  });

  it('are a view of the body where they lie aligned', () => {
    const body = new Uint8Array(16);
    expect(decodeBinary('x', 'FP32', [2], body.subarray(8)).data).toMatchObject({ buffer: body.buffer, byteOffset: 8 });
  });

  it('are little-endian', () => {
    expect(decodeBinary('x', 'INT64', [1], Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 0)).data).toEqual(BigInt64Array.of(513n));
  });

  it('hold text where it is UTF-8 and bytes where it is not', () => {
    const sent = Uint8Array.of(2, 0, 0, 0, 0xc3, 0xa9, 1, 0, 0, 0, 0xff, 0, 0, 0, 0);
    expect(decodeBinary('x', 'BYTES', [3], sent).data).toEqual(['é', Uint8Array.of(0xff), '']);
  });
});
