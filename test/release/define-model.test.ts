import { describe, expect, it } from 'vitest';
import { defineModel, fromPath, fromUrl } from '../../src/release/index.ts';

const right = { name: 'iris', version: '1.0.0', license: 'MIT', files: { 'model.onnx': fromPath('a.onnx') } };

describe('defineModel', () => {
  it('returns what is right', () => {
    expect(defineModel(right)).toBe(right);
  });

  it.each([
    [{ name: 'Iris' }, /expected a name .*, got "Iris"/],
    [{ name: '../iris' }, /got "..\/iris"/],
    [{ version: 'v1' }, /model "iris": expected a version that begins with a digit, such as 1.0.0, got "v1"/],
    [{ version: '1.0.0+build' }, /got "1.0.0\+build"/],
    [{ version: 1 }, /got 1/],
    [{ license: '' }, /SPDX/],
    [{ files: { 'weights.onnx': fromPath('a') } }, /files with model.onnx, got \["weights.onnx"\]/],
    [{ files: { ...right.files, '../x': fromPath('a') } }, /file name .*, got "..\/x"/],
    [
      { files: { 'model.onnx': 'a.onnx' } },
      /model.onnx to be fromPackage\(…\), fromPath\(…\), fromUrl\(…\) or fromRecipe\(…\)/,
    ],
    [{ licence: 'MIT' }, /got "licence"/],
  ])('refuses %j and says why', (change, message) => {
    const wrong: unknown = { ...right, ...change };
    // @ts-expect-error what JavaScript would let through
    expect(() => defineModel(wrong)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('takes a URL only with a digest, and only of the web', () => {
    expect(() => fromUrl('https://example.com/a.onnx', 'abc')).toThrow(/sha256:<64 hex digits>/);
    expect(() => fromUrl('file:///etc/passwd', `sha256:${'0'.repeat(64)}`)).toThrow(/http or https/);
  });
});
