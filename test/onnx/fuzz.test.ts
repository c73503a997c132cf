// Mutated model files: whatever comes, the answer is a signature or a coded error, soon and in little memory.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { inspectModel } from '../../src/onnx/inspect.ts';
import { readSignature } from '../../src/onnx/signature.ts';
import { runs } from '../runs.ts';
import { mutated, mutations, structureOf } from './mutate.ts';
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

describe('mutated model files', () => {
  it(`${CASES} of them give a signature or a GlowplugError, without a hang and without a giant allocation`, () => {
    const outcomes = { read: 0, refused: 0 };
    const before = process.memoryUsage();
    let slowest = 0;
    fc.assert(
      fc.property(fc.nat(seeds.length - 1), mutations, (seed, changes) => {
        const bytes = mutated(seeds[seed]!, changes);
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
