// onnxruntime's own format: a file that it opens again, with the same answers.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrtSession } from '../../src/session/ort.ts';
import { saveOrtFormat } from '../../src/session/save-optimized.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { sampleModels } from '../onnx/sample-models.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glowplug-ort-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

describe('saveOrtFormat', () => {
  it('writes a model that answers as the one it was made from', async () => {
    const target = join(folder, 'iris.ort');
    const size = await saveOrtFormat(sampleModels['iris']!, target);
    const bytes = await readFile(target);
    expect([bytes.length, bytes.toString('latin1', 4, 8)]).toEqual([size, 'ORTM']);
    await using before = await createOrtSession(sampleModels['iris']!, { threads: 1 });
    await using after = await createOrtSession(target, { threads: 1 });
    const x = tensor('FP32', [1, 4], Float32Array.of(5.1, 3.5, 1.4, 0.2));
    expect(await after.run({ x })).toEqual(await before.run({ x }));
  });

  it('refuses what is no model', async () => {
    const path = join(folder, 'none.onnx');
    await writeFile(path, 'nothing');
    await expect(saveOrtFormat(path, join(folder, 'none.ort'))).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});
