import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatReference, isVersionTag, parseReference } from '../../src/models/reference.ts';
import { runs } from '../runs.ts';

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const name = fc
  .tuple(word, fc.array(fc.tuple(fc.constantFrom('.', '_', '__', '-', '--', '/'), word), { maxLength: 4 }))
  .map(([first, rest]) => first + rest.flat().join(''));
const tag = fc.stringMatching(/^\w[\w.-]{0,127}$/);
const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}` as const);

describe('parseReference', () => {
  it('is undone by formatReference, for every name, tag and digest', () => {
    let cases = 0;
    fc.assert(
      fc.property(
        name,
        fc.option(tag, { nil: undefined }),
        fc.option(digest, { nil: undefined }),
        (model, tag, digest) => {
          if (tag === undefined && digest === undefined) return;
          cases++;
          const reference = {
            model,
            ...(tag === undefined ? {} : { tag }),
            ...(digest === undefined ? {} : { digest }),
          };
          expect(parseReference(formatReference(reference))).toEqual(reference);
        },
      ),
      { numRuns: runs(1_000) },
    );
    console.log(`references printed and parsed: ${cases}`);
  });

  it('takes any text, and either undoes it or refuses it with a code', () => {
    let cases = 0;
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z:@/.A-Z0-9_-]{0,20}$/)), (text) => {
        cases++;
        try {
          expect(formatReference(parseReference(text))).toBe(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'REFERENCE_INVALID' });
        }
      }),
      { numRuns: runs(2_000) },
    );
    console.log(`texts parsed: ${cases}`);
  });

  it.each([
    '',
    'iris',
    'iris:',
    ':prod',
    'Iris:prod',
    'iris:pr od',
    'iris:prod\n',
    '../iris:prod',
    'iris//x:prod',
    'iris@sha256:abc',
    `iris@sha256:${'A'.repeat(64)}`,
    `iris@sha512:${'a'.repeat(64)}`,
    `${'a'.repeat(129)}:prod`,
    `iris:${'a'.repeat(129)}`,
  ])('refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }));
  });

  it('tells versions, which are written once, from channels by their first character', () => {
    expect(['1.0.0', '4', '0.1.0-rc.1'].map(isVersionTag)).toEqual([true, true, true]);
    expect(['prod', 'v1', 'candidate', '_x'].map(isVersionTag)).toEqual([false, false, false, false]);
  });
});
