// Samples from a disk: what is read, and what is said of what cannot be.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseNpy, parseNpz } from '../../src/optimize/npy.ts';
import { readSamples } from '../../src/optimize/read-samples.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { npy, npz } from './npy-files.ts';

const signature = { inputs: { x: { datatype: 'FP32' as const, shape: ['N', 2] } }, outputs: {} };

describe('NumPy’s files', () => {
  it('give arrays of every type with their shape', () => {
    expect(parseNpy(npy('<f4', [2, 2], Float32Array.of(1, 2, 3, 4)), 'a')).toEqual({
      datatype: 'FP32',
      shape: [2, 2],
      data: Float32Array.of(1, 2, 3, 4),
    });
    expect(parseNpy(npy('<i8', [1], BigInt64Array.of(7n)), 'a')).toEqual({
      datatype: 'INT64',
      shape: [1],
      data: BigInt64Array.of(7n),
    });
    expect(parseNpy(npy('|u1', [], Uint8Array.of(9)), 'a')).toEqual({
      datatype: 'UINT8',
      shape: [],
      data: Uint8Array.of(9),
    });
  });

  it('are read from a .npz, stored and deflated', () => {
    const arrays = { x: npy('<f4', [1, 2], Float32Array.of(1, 2)), mask: npy('|b1', [2], Uint8Array.of(1, 0)) };
    for (const packed of [npz(arrays), npz(arrays, deflateRawSync)]) {
      const read = parseNpz(packed, 'a.npz', 1e6);
      expect(Object.keys(read)).toEqual(['x', 'mask']);
      expect(read['mask']).toEqual({ datatype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) });
    }
    expect(() => parseNpz(npz({ x: npy('|u1', [5000], new Uint8Array(5000)) }, deflateRawSync), 'a.npz', 1000)).toThrow(
      'at most 1000 bytes',
    );
  });

  it.each([
    ['text', Buffer.from('1,2,3'), 'expected a .npy file of NumPy'],
    ['strings', npy('<U5', [1], new Uint8Array(20)), 'expected little-endian numbers or booleans, got "<U5"'],
    ['a shape that does not fit', npy('<f4', [3], Float32Array.of(1)), 'expected 3 elements for shape [3], got "1"'],
    [
      'Fortran order',
      Buffer.from(
        Buffer.from(npy('<f4', [1], Float32Array.of(1)))
          .toString('latin1')
          .replace('False', 'True '),
        'latin1',
      ),
      'expected an array in C order',
    ],
  ])('%s is refused', (_name, bytes, message) => {
    expect(() => parseNpy(bytes, 'a.npy')).toThrow(message);
  });

  it('cut off anywhere, is refused and not half read', () => {
    const whole = npz({ x: npy('<f4', [1, 2], Float32Array.of(1, 2)) });
    let refused = 0;
    for (let length = 0; length < whole.length; length++) {
      expect(() => parseNpz(whole.subarray(0, length), 'a.npz', 1e6)).toThrow();
      refused++;
    }
    console.log(`${refused} cut files refused`);
  });
});

describe('a folder of samples', () => {
  it('is read in the order of names, with labels beside it by line or by name', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'b.npy'), npy('<f4', [1, 2], Float32Array.of(3, 4)));
    await writeFile(
      join(folder.path, 'a.json'),
      JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }] }),
    );
    await writeFile(join(folder.path, 'c.npz'), npz({ x: npy('<f4', [1, 2], Float32Array.of(5, 6)) }));
    await writeFile(join(folder.path, 'notes.md'), 'not a sample');
    await writeFile(join(folder.path, 'labels.txt'), 'one\ntwo\nthree\n');
    const { samples } = await readSamples(folder.path, { signature });
    expect(samples.map(({ name, label, feeds }) => [name, label, [...(feeds['x']?.data ?? [])]])).toEqual([
      ['a.json', 'one', [1, 2]],
      ['b.npy', 'two', [3, 4]],
      ['c.npz', 'three', [5, 6]],
    ]);
    const elsewhere = join(folder.path, 'absent.txt');
    await expect(readSamples(folder.path, { signature, labels: elsewhere })).rejects.toThrow('it cannot be read');
  });

  it.each<[string, Record<string, string | Uint8Array> | undefined, string | undefined]>([
    ['nothing there', undefined, 'found nothing'],
    ['no samples', {}, 'found no .npy, .npz or .json'],
    ['an empty line as the label', { 'a.npy': npy('<f4', [1], Float32Array.of(1)), 'labels.txt': '' }, undefined],
    [
      'labels of others',
      { 'a.npy': npy('<f4', [1], Float32Array.of(1)), 'labels.json': '{"b.npy": 1}' },
      'expected a label of "a.npy"',
    ],
    ['JSON that is no request', { 'a.json': '[1]' }, 'a.json: expected { "inputs"'],
  ])('with %s says so', async (_name, files, message) => {
    await using folder = await temporaryFolder();
    const path = files ? folder.path : join(folder.path, 'absent');
    for (const [name, content] of Object.entries(files ?? {})) await writeFile(join(folder.path, name), content);
    const read = readSamples(path, { signature });
    if (message) await expect(read).rejects.toThrow(message);
    else expect((await read).samples[0]?.label).toBe('');
  });

  it('may be a module that makes them, with a metric of its own', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'samples.mjs');
    await writeFile(
      path,
      `export function* samples() { yield { name: 'a', feeds: {}, label: 1 } }\nexport const metric = { name: 'mine', better: 'higher', count: () => [1], value: ([a]) => a };`,
    );
    const { samples, metric } = await readSamples(path, { signature });
    expect([samples.length, metric?.name]).toEqual([1, 'mine']);
    await writeFile(join(folder.path, 'none.mjs'), 'export const samples = [];');
    await expect(readSamples(join(folder.path, 'none.mjs'), { signature })).rejects.toThrow(
      'to export samples, a function, got object',
    );
  });
});
