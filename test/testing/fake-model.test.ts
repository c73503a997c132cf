import { describe, expect, it } from 'vitest';
import { tensor } from '../../src/index.ts';
import { fakeModel } from '../../src/testing/index.ts';
import { root } from '../root.ts';
import { temporaryFolder } from './template/assembly.ts';

const probabilities = tensor('FP32', [1, 3], Float32Array.of(0.1, 0.5, 0.4));
const answer = () => ({ class: tensor('INT64', [1], BigInt64Array.of(1n)), probabilities });
const iris = () => fakeModel('iris:prod', answer, { root, texts: { 'labels.txt': 'a\nb' } });
const floats = (...values: number[]) => tensor('FP32', [1, values.length], Float32Array.from(values));

describe('fakeModel', () => {
  it('answers as it is told, keeps what it was fed, and is the locked version', async () => {
    const model = iris();
    expect(await model.run({ x: floats(1, 2, 3, 4) })).toEqual(answer());
    expect(model.runs.map(({ x }) => [...x.data])).toEqual([[1, 2, 3, 4]]);
    expect(await model.locked()).toMatchObject({ model: 'iris' });
    expect(Object.keys((await model.signature()).inputs)).toEqual(['x']);
    expect([await model.text('labels.txt'), await model.batching(), await model.warm()]).toEqual([
      'a\nb',
      undefined,
      undefined,
    ]);
  });

  it('refuses what the locked model would, what its caller gave up, and a file that it was not given', async () => {
    const model = iris();
    await expect(model.run({ x: floats(1, 2, 3) })).rejects.toMatchObject({ code: 'INPUT_TENSOR' });
    await expect(model.run({ x: floats(1, 2, 3, 4) }, { signal: AbortSignal.abort() })).rejects.toThrow('abort');
    await expect(model.text('words.txt')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      remedy: expect.stringContaining("texts: { 'words.txt'"),
    });
    expect(model.runs).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['nothing', {}, 'expected output "class", got none of that name'],
    ['one too few', { class: answer().class }, 'expected output "probabilities", got none of that name'],
    [
      'one too many',
      { ...answer(), classes: answer().class },
      'expected outputs ["class","probabilities"], got "classes"',
    ],
    ['another type', { ...answer(), class: floats(1) }, 'output "class": expected INT64, got FP32'],
  ])('refuses an answer that the locked model would not give: %s', async (_what, answered, message) => {
    const model = fakeModel('iris:prod', () => answered as ReturnType<typeof answer>, { root });
    await expect(model.run({ x: floats(1, 2, 3, 4) })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `the fake of iris:prod answers what the model does not: ${message}`,
    });
  });

  it('is of a model that is locked', () => {
    using folder = temporaryFolder();
    const made = (reference: string, root: string) => () => fakeModel(reference, () => ({}), { root });
    expect(made('none:prod', root)).toThrow(expect.objectContaining({ code: 'MODEL_NOT_FOUND' }));
    expect(made('iris:prod', folder.path)).toThrow(expect.objectContaining({ code: 'LOCK_STALE' }));
  });
});
