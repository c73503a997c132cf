// A session over weights that are not there yet: right when they arrive before the first run, and why nothing else may be.
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { StringStringEntryProtoSchema, TensorProto_DataLocation, TensorProto_DataType as Type } from 'onnx-buf';
import ort, { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { splitWeights } from '../../src/onnx/split-weights.ts';
import { loadDefinitions } from '../../src/release/load-definitions.ts';
import { locateSource } from '../../src/release/sources.ts';
import { cpuFeatures } from '../../src/session/cpu-features.ts';
import { followsWrites, probe } from '../../src/session/follows-writes.ts';
import { createOrtSession, prepareOrt } from '../../src/session/ort.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { sampleBytes } from '../onnx/sample-models.ts';
import { bytesOf, type GraphInit, tinyModel, value } from '../onnx/tiny-model.ts';
import { root } from '../root.ts';

const weightsName = 'model.onnx_data';
const feeds = {
  rec: [1, 3, 48, 96],
  det: [1, 3, 64, 64],
  cls: [1, 3, 48, 96],
} as const;
type Name = keyof typeof feeds;
const startForms = await forms();

describe('a session over weights that are still arriving', () => {
  it.each(['rec', 'det', 'cls'] as const)(
    '%s answers bit for bit as over weights that were there from the beginning',
    async (name) => {
      await using folder = await temporaryFolder();
      const { graph, weights } = splitOf(name);
      const whole = await laid(folder.path, 'whole', graph, weights);
      const filling = await laid(folder.path, 'filling', graph, new Uint8Array(weights.length));
      await using reference = await createOrtSession(whole, { threads: 1, mapped: true });
      await using session = await createOrtSession(filling, { threads: 1, mapped: true });
      fill(filling, weights);
      // The names may go: the session holds the file.
      await rm(join(folder.path, 'filling'), { recursive: true });
      const wanted = await answer(reference, name);
      expect(await answer(session, name)).toEqual(wanted);
      expect(new Set(wanted).size).toBeGreaterThan(1);
    },
  );

  // Their operators are onnxruntime's own: none of their kernels may read a weight when it is made.
  it.each(startForms)('$name: as over weights that were there, too', async ({ bytes, needs, shape }) => {
    if (!needs.every((feature) => cpuFeatures().has(feature))) return console.log(`skipped: no ${needs} here`);
    await using folder = await temporaryFolder();
    const { graph, weights } = splitWeights(bytes, weightsName)!;
    const whole = await laid(folder.path, 'whole', graph, weights);
    const filling = await laid(folder.path, 'filling', graph, new Uint8Array(weights.length));
    const options = { threads: 1, mapped: true, optimized: true };
    await using reference = await createOrtSession(whole, options);
    await using session = await createOrtSession(filling, options);
    fill(filling, weights);
    const wanted = await answerTo(reference, shape);
    expect(await answerTo(session, shape)).toEqual(wanted);
    expect(new Set(wanted).size).toBeGreaterThan(1);
  });

  it('answers as the model before it was split, but for rounding', async () => {
    await using folder = await temporaryFolder();
    const { graph, weights } = splitOf('rec');
    const original = join(folder.path, 'original.onnx');
    writeFileSync(original, sampleBytes('rec'));
    await using split = await createOrtSession(await laid(folder.path, 'a', graph, weights), {
      threads: 1,
      mapped: true,
    });
    await using one = await createOrtSession(original, { threads: 1 });
    expect(split.signature).toEqual(one.signature);
    const [got, wanted] = [await answer(split, 'rec'), await answer(one, 'rec')];
    expect(furthest(got, wanted)).toBeLessThan(1e-4);
  });

  // Why ortOptions turns both off for a map: neither fails, both answer something else, for ever.
  it.each([
    ['prepacking', { graphOptimizationLevel: 'disabled', extra: { session: { disable_prepacking: '0' } } }],
    ['load-time optimisation', { graphOptimizationLevel: 'all', extra: { session: { disable_prepacking: '1' } } }],
  ] as const)('would answer wrongly, and say nothing, with %s', async (_what, options) => {
    await using folder = await temporaryFolder();
    const { graph, weights } = splitOf('rec');
    const path = await laid(folder.path, 'filling', graph, new Uint8Array(weights.length));
    const session = await InferenceSession.create(path, { ...options, intraOpNumThreads: 1, logSeverityLevel: 3 });
    fill(path, weights);
    const shape = [...feeds.rec];
    const { [session.outputNames[0] ?? '']: output } = await session.run({
      x: new Tensor('float32', values(shape), shape),
    });
    await using reference = await createOrtSession(path, { threads: 1, mapped: true });
    const wanted = await answer(reference, 'rec');
    const got = output?.data instanceof Float32Array ? [...output.data] : [];
    expect(got).toHaveLength(wanted.length);
    expect(furthest(got, wanted)).toBeGreaterThan(0.01);
    await session.release();
  });

  it('is only made where a map follows what is written: a folder that cannot hold the probe says no', async () => {
    await using folder = await temporaryFolder();
    expect(await prepareOrt(folder.path)).toEqual({ followsWrites: true });
    expect(await prepareOrt(join(folder.path, 'new', 'folder'))).toEqual({ followsWrites: true });
    writeFileSync(join(folder.path, 'file'), '');
    expect(await prepareOrt(join(folder.path, 'file'))).toEqual({ followsWrites: false });
  });
});

describe('the probe', () => {
  it('says no where the map shows the file as it was, as a kernel or file system without a shared page cache would', async () => {
    await using folder = await temporaryFolder();
    const frozen = {
      ...ort,
      InferenceSession: {
        async create(model: Buffer, options: InferenceSession.SessionOptions) {
          const copy = join(folder.path, 'copy');
          await cp(join(folder.path, 'probe'), copy, { recursive: true });
          const session = { ...Object(options.extra)['session'], model_external_initializers_file_folder_path: copy };
          return await InferenceSession.create(model, { ...options, extra: { session } });
        },
      },
    };
    const options = { extra: { session: { disable_prepacking: '1' } } };
    expect(await followsWrites(ort, join(folder.path, 'probe'), options)).toBe(true);
    expect(await followsWrites(frozen as unknown as typeof ort, join(folder.path, 'probe'), options)).toBe(false);
    expect(await readdir(folder.path)).toEqual(['copy']);
  });

  it('is the model that its comment says', () => {
    const spec = { name: 'w', dataType: Type.FLOAT, dims: [1024n], dataLocation: TensorProto_DataLocation.EXTERNAL };
    const externalData = Object.entries({ location: 'w', offset: '0', length: '4096' }).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    const graph: GraphInit = {
      name: 'probe',
      node: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
      initializer: [{ ...spec, externalData }],
      input: [value('x', [1024])],
      output: [value('y', [1024])],
    };
    expect(Buffer.from(bytesOf(tinyModel({ graph }))).toString('base64')).toBe(probe);
  });
});

describe('splitting weights from their graph', () => {
  it('is pure, and keeps every weight: the tensors of both files together are those of the model', () => {
    for (const name of ['rec', 'det', 'cls'] as const) {
      const [one, other] = [splitOf(name), splitOf(name)];
      expect(Buffer.compare(one.graph, other.graph)).toBe(0);
      expect(Buffer.compare(one.weights, other.weights)).toBe(0);
      expect(one.graph.length).toBeLessThan(100_000);
    }
  });

  it('leaves a model alone whose weights are few, or are apart already', () => {
    expect(splitWeights(sampleBytes('iris'), weightsName)).toBeUndefined();
    expect(splitWeights(splitOf('rec').graph, weightsName)).toBeUndefined();
  });
});

function splitOf(name: Name) {
  const split = splitWeights(new Uint8Array(sampleBytes(name)), weightsName);
  if (!split) throw new Error(`${name} has weights`);
  return split;
}

async function laid(folder: string, name: string, graph: Uint8Array, weights: Uint8Array): Promise<string> {
  await mkdir(join(folder, name));
  const path = join(folder, name, 'model.onnx');
  writeFileSync(path, graph);
  const fd = openSync(join(folder, name, weightsName), 'wx');
  ftruncateSync(fd, weights.length);
  if (weights.some((byte) => byte !== 0)) writeSync(fd, weights);
  closeSync(fd);
  return path;
}

/** In two halves, the second first, as ranges may come. */
function fill(path: string, weights: Uint8Array): void {
  const fd = openSync(path.replace(/model\.onnx$/, weightsName), 'r+');
  const half = weights.length >> 1;
  writeSync(fd, weights, half, weights.length - half, half);
  writeSync(fd, weights, 0, half, 0);
  closeSync(fd);
}

/** What a cold start opens instead of a variant, of the models with weights apart. */
async function forms() {
  const found = [];
  for (const { name: model, variants = {} } of await loadDefinitions(root)) {
    const shape = feeds[model.replace('ppocr-', '') as Name];
    const names = new Set(Object.values(variants).flatMap(({ starts = [] }) => starts));
    for (const name of shape ? names : []) {
      const { files, needs = [] } = variants[name]!;
      const bytes = await readFile(await locateSource(files['model.onnx'], root));
      if (splitWeights(bytes, weightsName)) found.push({ name: `${model}#${name}`, bytes, needs, shape });
    }
  }
  return found;
}

async function answer(session: Awaited<ReturnType<typeof createOrtSession>>, name: Name): Promise<number[]> {
  return await answerTo(session, feeds[name]);
}

async function answerTo(
  session: Awaited<ReturnType<typeof createOrtSession>>,
  shape: readonly number[],
): Promise<number[]> {
  const [output] = Object.values(await session.run({ x: { datatype: 'FP32', shape, data: values(shape) } }));
  return output?.datatype === 'FP32' ? [...output.data] : [];
}

function furthest(got: readonly number[], wanted: readonly number[]): number {
  return Math.max(...got.map((value, index) => Math.abs(value - (wanted[index] ?? Number.NaN))));
}

function values(shape: readonly number[]): Float32Array {
  const length = shape.reduce((product, one) => product * one, 1);
  return Float32Array.from({ length }, (_, index) => ((index % 17) / 17 - 0.5) * 4);
}
