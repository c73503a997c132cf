// External data: weights beside the model come in, and nothing outside its folder does.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModelFile } from '../../src/onnx/read-model-file.ts';
import { bytesOf, tinyGraph } from './tiny-model.ts';

let folder: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glowplug-external-'));
  await mkdir(join(folder, 'model', 'inner'), { recursive: true });
  model = join(folder, 'model', 'model.onnx');
  await writeFile(join(folder, 'secret'), 'keep out');
  await writeFile(join(folder, 'model', 'weights'), Buffer.from(Float32Array.of(1, 2, 3, 4).buffer));
  await writeFile(join(folder, 'model', 'inner', 'more'), Buffer.from(Float32Array.of(5, 6).buffer));
  await symlink(join(folder, 'secret'), join(folder, 'model', 'link'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function reading(entries: Readonly<Record<string, string>>) {
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  const graph = tinyGraph({ initializer: [{ name: 'w', dims: [2n], dataType: 1, dataLocation: 1, externalData }] });
  await writeFile(model, bytesOf(graph));
  return await readModelFile(model);
}

describe('external data', () => {
  it.each([
    [{ location: 'weights', offset: '8', length: '8' }, [3, 4]],
    [{ location: 'weights', offset: '8' }, [3, 4]],
    [{ location: 'inner/more' }, [5, 6]],
  ])('%j comes in', async (entries, values) => {
    const [tensor] = (await reading(entries)).graph.initializer;
    expect([...new Float32Array(tensor!.rawData.buffer)]).toEqual(values);
    expect([tensor!.dataLocation, tensor!.externalData]).toEqual([0, []]);
  });

  it.each([
    [{ location: '../secret' }, "expected weights inside the model's folder"],
    [{ location: '/etc/passwd' }, "expected weights inside the model's folder"],
    [{ location: 'inner/../../secret' }, "expected weights inside the model's folder"],
    [{ location: '..\\secret' }, "expected weights inside the model's folder"],
    [{ location: 'C:\\secret' }, "expected weights inside the model's folder"],
    [{ location: 'link' }, 'a link out of it'],
    [{ location: 'inner' }, 'found no file'],
    [{ location: 'absent' }, 'found nothing'],
    [{}, 'expected the location of its bytes, got none'],
    [{ location: 'weights', offset: '8', length: '9' }, 'expected 9 bytes at 8 of "weights", which has 16'],
    [{ location: 'weights', offset: '99' }, 'which has 16'],
    [{ location: 'weights', length: '9223372036854775808' }, 'expected length to be a count of bytes'],
    [{ location: 'weights', offset: '-4' }, 'expected offset to be a count of bytes'],
  ])('%j is refused', async (entries: Readonly<Record<string, string>>, message) => {
    await expect(reading(entries)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(message),
    });
  });
});
