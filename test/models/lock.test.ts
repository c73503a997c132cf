import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { datatypes } from '../../src/core/signature.ts';
import { lockSlice, lockTypes, parseLock, serializeLock } from '../../src/models/lock.ts';
import type { Lock } from '../../src/models/version.ts';
import { runs } from '../runs.ts';
import { tinyVersion } from './tiny-version.ts';

const { locked } = tinyVersion();
const lock: Lock = { lockVersion: 1, models: { 'tiny:prod': locked, 'tiny:1.0.0': locked } };

const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}` as const);
const file = fc.record({ digest, size: fc.nat(), mediaType: fc.string() });
const tensor = fc.record({
  datatype: fc.constantFrom(...datatypes),
  shape: fc.array(fc.oneof(fc.nat(), fc.string()), { maxLength: 4 }),
});
const tensors = fc.dictionary(fc.string(), tensor, { maxKeys: 3, noNullPrototype: true });
const files = fc
  .tuple(file, fc.dictionary(fc.string(), file, { maxKeys: 2, noNullPrototype: true }))
  .map(([model, rest]) => ({ ...rest, 'model.onnx': model }));
const feature = fc.stringMatching(/^[a-z][a-z0-9_]{1,8}$/);
const form = fc.record(
  { variant: fc.string(), needs: fc.array(feature, { minLength: 1, maxLength: 2 }), files },
  { requiredKeys: ['variant', 'files'] },
);
const version = fc.record(
  {
    model: fc.stringMatching(/^[a-z]{1,8}$/),
    version: fc.string(),
    digest,
    files,
    starts: fc.array(form, { maxLength: 2 }),
    signature: fc.record({ inputs: tensors, outputs: tensors }),
  },
  { requiredKeys: ['model', 'version', 'digest', 'files', 'signature'] },
);

describe('the lock file', () => {
  it('is read back as it was written, for any names in it', () => {
    let cases = 0;
    fc.assert(
      fc.property(fc.dictionary(fc.string(), version, { maxKeys: 4, noNullPrototype: true }), (models) => {
        cases++;
        const written = serializeLock({ lockVersion: 1, models });
        expect(parseLock(written)).toEqual({ lockVersion: 1, models });
        expect(serializeLock(parseLock(written))).toBe(written);
      }),
      { numRuns: runs(300) },
    );
    console.log(`lock files written and read: ${cases}`);
  });

  it('is the same text whatever order the references come in', () => {
    const reversed = Object.fromEntries(Object.entries(lock.models).reverse());
    expect(serializeLock({ lockVersion: 1, models: reversed })).toBe(serializeLock(lock));
  });

  it.each([
    ['', /JSON/],
    ['[]', /the lock file to be an object/],
    ['{"lockVersion":2,"models":{}}', /lockVersion to be 1, got 2/],
    [edited({ digest: 'sha256:short' }), /digest to be sha256:/],
    [edited({ model: '../x' }), /model to be a model’s name/],
    [edited({ files: {} }), /files to hold model.onnx/],
    [edited({ files: { 'model.onnx': { ...locked.files['model.onnx'], size: -1 } } }), /size in bytes, got -1/],
    [edited({ signature: { inputs: { x: { datatype: 'FLOAT', shape: [] } }, outputs: {} } }), /datatype.*got "FLOAT"/],
  ])('refuses %j and says what is wrong', (text, message) => {
    expect(() => parseLock(text)).toThrow(
      expect.objectContaining({ code: 'LOCK_STALE', message: expect.stringMatching(message) }),
    );
  });

  it('gives the slice of what a function uses, and names all that is missing', () => {
    expect(Object.keys(lockSlice(lock, ['tiny:prod']).models)).toEqual(['tiny:prod']);
    expect(() => lockSlice(lock, ['tiny:prod', 'a:x', 'b:y'])).toThrow(
      expect.objectContaining({ code: 'LOCK_STALE', message: expect.stringContaining('a:x, b:y') }),
    );
    expect(() => lockSlice(lock, ['toString'])).toThrow(expect.objectContaining({ code: 'LOCK_STALE' }));
  });

  it('becomes types that quote what is no identifier', () => {
    const odd = { "it's\n": { datatype: 'FP32', shape: [] }, ok: { datatype: 'BYTES', shape: [] } } as const;
    const text = lockTypes({
      lockVersion: 1,
      models: { 'tiny:prod': { ...locked, signature: { inputs: odd, outputs: {} } } },
    });
    expect(text).toContain("inputs: { 'it\\'s\\n': 'FP32'; ok: 'BYTES' };");
    expect(text).toContain('outputs: {};');
  });
});

function edited(change: object): string {
  return JSON.stringify({ lockVersion: 1, models: { 'tiny:prod': { ...locked, ...change } } });
}
