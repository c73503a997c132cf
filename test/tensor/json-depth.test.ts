import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDeeperThan } from '../../src/tensor/json-depth.ts';
import { runs } from '../runs.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('the depth of a JSON text', () => {
  it('is that of the value in it, whatever its strings hold', () => {
    let texts = 0;
    const strings = fc.string({ unit: fc.constantFrom('[', '{', '"', '\\', ']', 'a') });
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 8 }, strings, fc.array(tie('value')), fc.dictionary(strings, tie('value'))),
    }));
    fc.assert(
      fc.property(value, (it) => {
        texts++;
        const depth = depthOf(it);
        const text = JSON.stringify(it);
        expect(isDeeperThan(text, depth)).toBe(false);
        if (depth > 0) expect(isDeeperThan(text, depth - 1)).toBe(true);
      }),
      { numRuns: runs(500) },
    );
    console.log(`JSON depth: ${texts} random values`);
  });

  it('is told of what is no JSON, too', () => {
    expect(isDeeperThan('['.repeat(41), 40)).toBe(true);
    expect(isDeeperThan(`"${'['.repeat(41)}`, 40)).toBe(false);
    expect(isDeeperThan('[]'.repeat(100), 40)).toBe(false);
  });
});
