// Mutated model files: whatever comes, the answer is a signature or a coded error, soon and in little memory.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { inspectModel } from '../../src/onnx/inspect.ts';
import { weightsOf } from '../../src/onnx/nodes.ts';
import { readModel } from '../../src/onnx/read.ts';
import { readSignature } from '../../src/onnx/signature.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { runs } from '../runs.ts';
import { sampleBytes } from './sample-models.ts';
import { bytesOf, tinyGraph, tinyModel, value } from './tiny-model.ts';

const CASES = runs(4000);
/** A healthy read of the largest sample takes 30 ms on a busy machine; only a hang takes this long. */
const HANG_MS = 5000;

const seeds: readonly Uint8Array[] = [
  sampleBytes('iris'),
  bytesOf(tinyModel()),
  bytesOf(
    tinyGraph({
      node: [{ opType: 'If', attribute: [{ name: 'then_branch', g: { node: [{ opType: 'Relu' }] } }] }],
      input: [value('x', ['N', null, 3, -1])],
      initializer: [
        { name: 'w', dims: [3n], int64Data: [1n, -1n, 2n ** 62n], externalData: [{ key: 'location', value: 'w.bin' }] },
      ],
    }),
  ),
  structureOf(sampleBytes('cls')),
];

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

describe('mutated model files', () => {
  it(`${CASES} of them give a signature or a GlowplugError, without a hang and without a giant allocation`, () => {
    const outcomes = { read: 0, refused: 0 };
    const before = process.memoryUsage();
    let slowest = 0;
    fc.assert(
      fc.property(fc.nat(seeds.length - 1), fc.array(mutation, { minLength: 1, maxLength: 3 }), (seed, mutations) => {
        const bytes = mutations.reduce<Uint8Array>((result, change) => mutate(result, change), seeds[seed]!);
        const start = performance.now();
        if (survives(readSignature, bytes) && survives(inspectModel, bytes)) outcomes.read++;
        else outcomes.refused++;
        slowest = Math.max(slowest, performance.now() - start);
      }),
      { numRuns: CASES },
    );
    const grown = process.memoryUsage().rss - before.rss;
    console.log(
      `${CASES} mutated models: ${outcomes.read} read, ${outcomes.refused} refused, slowest ${slowest.toFixed(1)} ms, ${(grown / 1e6).toFixed(0)} MB more RSS`,
    );
    expect(slowest).toBeLessThan(HANG_MS);
    // The largest seed is 60 KB. What one file may take is bounded by the limits; garbage of 4,000 runs comes on top.
    expect(grown).toBeLessThan(400e6);
    expect(outcomes.read).toBeGreaterThan(CASES / 100);
    expect(outcomes.refused).toBeGreaterThan(CASES / 100);
  });
});

/** True when `read` answers, false when it refuses with a code; anything else that it throws fails the property. */
function survives(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    read(bytes);
    return true;
  } catch (error) {
    if (error instanceof GlowplugError && /^MODEL_/.test(error.code)) return false;
    throw error;
  }
}

/** A real model without its weights: the mutations meet structure, not numbers. */
function structureOf(bytes: Uint8Array): Uint8Array {
  const model = readModel(bytes);
  for (const tensor of weightsOf(model)) tensor.rawData = new Uint8Array();
  return writeModel(model);
}

interface Mutation {
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
