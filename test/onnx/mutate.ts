// Damage to model files: cut off, bits flipped, bytes written over, put in between.
import fc from 'fast-check';
import { weightsOf } from '../../src/onnx/nodes.ts';
import { readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';

// Without bias: fast-check's love of extremes would put nearly every mutation at the first byte or the last.
const place = fc.noBias(fc.nat(9999)).map((at) => at / 10_000);

const mutation = fc.oneof(
  fc.record({ kind: fc.constant('truncate'), at: place }),
  // Most flips hit names and numbers, which leaves a model that can be read: the other half of the claim.
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('flip'), at: place, bit: fc.nat(7) }),
  },
  fc.record({
    kind: fc.constantFrom('overwrite', 'insert'),
    at: place,
    // Varints are what lengths, counts and tags are made of: short, long, too long, without an end.
    bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 12 }), varint()),
  }),
);

export const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });

export function mutated(source: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  return changes.reduce<Uint8Array>((result, change) => mutate(result, change), source);
}

/** A real model without its weights: the mutations meet structure, not numbers. */
export function structureOf(bytes: Uint8Array): Uint8Array {
  const model = readModel(bytes);
  for (const tensor of weightsOf(model)) tensor.rawData = new Uint8Array();
  return writeModel(model);
}

export interface Mutation {
  readonly kind: string;
  /** Part of the length. */
  readonly at: number;
  readonly bit?: number;
  readonly bytes?: Uint8Array;
}

function mutate(source: Uint8Array, { kind, at, bit = 0, bytes = new Uint8Array() }: Mutation): Uint8Array {
  const position = Math.floor(at * source.length);
  if (kind === 'truncate') return source.slice(0, position);
  if (kind === 'insert') return Buffer.concat([source.subarray(0, position), bytes, source.subarray(position)]);
  const result = Buffer.from(source);
  if (kind === 'flip' && position < result.length) result[position]! ^= 1 << bit;
  if (kind === 'overwrite') result.set(bytes.subarray(0, result.length - position), position);
  return result;
}

function varint(): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.nat(11), fc.integer({ min: 0x80, max: 0xff }), fc.nat(0x7f))
    .map(([length, body, last]) => Uint8Array.from([...Array<number>(length).fill(body), last]));
}
