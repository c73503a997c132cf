// What a student learns from: inputs and the teacher's answers, as NumPy reads them.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distillDataCommand } from '../../src/cli/distill-data.ts';
import type { Datatype } from '../../src/core/signature.ts';
import { distillData } from '../../src/optimize/distill-data.ts';
import { parseNpz } from '../../src/optimize/npy.ts';
import { writeNpz } from '../../src/optimize/write-npz.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { runCommand } from '../cli/run-command.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { sampleModels } from '../onnx/sample-models.ts';
import { runs } from '../runs.ts';
import { npy } from './npy-files.ts';

const CASES = runs(300);

const arrays = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  INT16: Int16Array,
  FP16: Uint16Array,
  INT32: Int32Array,
  UINT32: Uint32Array,
  FP32: Float32Array,
  FP64: Float64Array,
  INT64: BigInt64Array,
  UINT64: BigUint64Array,
} as const satisfies Partial<Record<Datatype, unknown>>;

const anyTensor: fc.Arbitrary<Tensor> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(arrays) as (keyof typeof arrays)[])),
    fc.array(fc.nat(4), { maxLength: 4 }),
    fc.infiniteStream(fc.nat(255)),
  )
  .map(([datatype, shape, bytes]) => {
    const View = arrays[datatype];
    const count = shape.reduce((a, b) => a * b, 1);
    const raw = Uint8Array.from(bytes.take(count * View.BYTES_PER_ELEMENT));
    return { datatype, shape, data: new View(raw.buffer) } as Tensor;
  });

describe('distillData', () => {
  it(`writes .npz files that are read as they were: ${CASES} of them`, () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-zé][\w./:-]{0,20}$/), anyTensor, { maxKeys: 5 }), (tensors) => {
        const back = parseNpz(writeNpz(tensors), 'written', 2 ** 20);
        const plain = (all: Readonly<Record<string, Tensor>>) =>
          Object.entries(all).map(([name, { datatype, shape, data }]) => [
            name,
            datatype,
            shape,
            Buffer.from((data as Uint8Array).buffer).toString('hex'),
          ]);
        expect(plain(back)).toEqual(plain(tensors));
        expect(writeNpz(tensors)).toEqual(writeNpz(tensors));
      }),
      { numRuns: CASES },
    );
    console.log(`${CASES} .npz files written and read`);
  });

  it('gives each sample with the answers of the teacher, one file at a time', async () => {
    await using teacher = await createOrtSession(sampleModels['iris']!, { threads: 1 });
    const x = tensor('FP32', [1, 4], Float32Array.of(5.1, 3.5, 1.4, 0.2));
    const lessons = [];
    for await (const lesson of distillData(teacher, [{ name: 'flowers/first.npy', feeds: { x } }]))
      lessons.push(lesson);
    expect(lessons.map(({ file }) => file)).toEqual(['flowers_first.npz']);
    const { 'in.x': input, 'out.class': right, ...rest } = parseNpz(lessons[0]!.bytes, 'lesson', 2 ** 20);
    expect([input, right!.data, Object.keys(rest)]).toEqual([x, BigInt64Array.of(0n), ['out.probabilities']]);
  });

  it('refuses two samples that would be one file, and text', async () => {
    await using teacher = await createOrtSession(sampleModels['iris']!, { threads: 1 });
    const x = tensor('FP32', [1, 4], new Float32Array(4));
    const twice = distillData(
      teacher,
      ['a.npy', 'a.npz'].map((name) => ({ name, feeds: { x } })),
    );
    await expect(drained(twice)).rejects.toThrow('expected a name of its own for each sample, got a.npz twice');
    expect(() => writeNpz({ words: tensor('BYTES', [1], ['hello']) })).toThrow('words: expected numbers');
  });
});

describe('glowplug distill-data', () => {
  const teacher = sampleModels['iris']!;
  async function place() {
    const folder = await temporaryFolder();
    const samples = join(folder.path, 'samples');
    await mkdir(samples);
    await writeFile(join(samples, 'a.npy'), npy('<f4', [1, 4], Float32Array.of(5.1, 3.5, 1.4, 0.2)));
    return { samples, out: join(folder.path, 'lessons'), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  }

  it('writes a file for each sample into its folder', async () => {
    await using at = await place();
    const { exitCode, stdout } = await runCommand(
      distillDataCommand(),
      teacher,
      '--samples',
      at.samples,
      '--out',
      at.out,
    );
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^wrote {2}1 samples with their answers to /)]);
    expect(await readdir(at.out)).toEqual(['a.npz']);
  });

  it.each<[string, (at: { samples: string; out: string }) => Promise<string[]>, string]>([
    [
      'a file as its folder',
      async ({ samples, out }) => {
        await writeFile(out, '');
        return [teacher, '--samples', samples, '--out', out];
      },
      'expected a folder at --out ',
    ],
    [
      'the folder of the samples as its own',
      async ({ samples }) => [teacher, '--samples', samples, '--out', join(samples, '..', 'samples')],
      'expected another folder for --out than that of the samples',
    ],
    [
      'no teacher',
      async ({ samples, out }) => ['none.onnx', '--samples', samples, '--out', out],
      'expected a model at none.onnx, found nothing',
    ],
    [
      'a sample of another shape, by its name',
      async ({ samples, out }) => {
        await writeFile(join(samples, 'wide.npy'), npy('<f4', [1, 5], new Float32Array(5)));
        return [teacher, '--samples', samples, '--out', out];
      },
      'sample "wide.npy": ',
    ],
  ])('refuses %s', async (_what, given, message) => {
    await using at = await place();
    const { exitCode, stderr } = await runCommand(distillDataCommand(), ...(await given(at)));
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
  });
});

async function drained(lessons: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _lesson of lessons) count++;
  return count;
}
