// Where optimize --write would write is looked at before minutes are spent on measuring.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeTarget } from '../../src/release/write-target.ts';
import { definition, testApp } from './app.ts';

const app = () =>
  testApp({
    'models/digits.ts': definition('digits', '1.2.3'),
    'models/digits.onnx': 'the model',
    'same.onnx': 'the model',
    'other.onnx': 'another',
  });

describe('writeTarget', () => {
  it('is the definition of the same model, wherever the file lies, or none yet', async () => {
    await using made = await app();
    const of = (name: string, file: string) => writeTarget(made.root, name, join(made.root, file));
    expect(await of('digits', 'same.onnx')).toMatchObject({ name: 'digits', version: '1.2.3' });
    expect(await of('letters', 'other.onnx')).toBeUndefined();
  });

  it('refuses the definition of another model, and says which file that is of', async () => {
    await using made = await app();
    const path = join(made.root, 'other.onnx');
    await expect(writeTarget(made.root, 'digits', path)).rejects.toMatchObject({
      message: `expected ${path} to be the model of models/digits.ts, which is another file: models/digits.onnx`,
      remedy: 'Give --write another name, or optimize the file that the definition names.',
    });
  });

  it('refuses what no model can be called, and names the option', async () => {
    await using made = await app();
    await expect(writeTarget(made.root, 'Bad Name', 'x')).rejects.toMatchObject({
      message: expect.stringContaining('got "Bad Name"'),
      remedy: expect.stringContaining('--write'),
    });
  });
});
