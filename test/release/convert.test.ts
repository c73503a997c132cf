// Converting without a Python: what is planned, run, checked, compared and written. test/peers/convert.test.ts has the real ones.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readModel } from '../../src/onnx/read.ts';
import { writeNpz } from '../../src/optimize/write-npz.ts';
import { type ConvertOptions, convert } from '../../src/release/convert/convert.ts';
import { detectFramework, frameworkNames, frameworkOf, namedFramework } from '../../src/release/convert/frameworks.ts';
import { parseModelInput } from '../../src/release/convert/model-input.ts';
import { planEnvironment, type Run, reasonOf } from '../../src/release/convert/python-environment.ts';
import { slowness } from '../../src/release/convert/slowness.ts';
import { type Tensors, tensor } from '../../src/tensor/tensor.ts';
import { sampleBytes } from '../onnx/sample-models.ts';
import { bytesOf, tinyGraph } from '../onnx/tiny-model.ts';
import { runModel } from '../optimize/run-model.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'glowplug-convert-test-'));
  await writeFile(join(root, 'flowers.joblib'), 'a pickle');
});
afterEach(async () => await rm(root, { recursive: true, force: true }));

const feeds: Tensors = { x: tensor('FP32', [2, 4], Float32Array.of(5.1, 3.5, 1.4, 0.2, 6.2, 2.9, 4.3, 1.3)) };
const report = {
  exporter: 'skl2onnx.to_onnx',
  python: '3.11.7',
  versions: { 'scikit-learn': '1.9.1' },
  samples: 1,
  milliseconds: 3,
};

/** A Python that writes this model, and answers as the model does unless it is told to change the answer. */
function fakePython(model = sampleBytes('iris'), change: (outputs: Tensors) => Tensors = (outputs) => outputs) {
  const commands: string[][] = [];
  const run: Run = async (program, args) => {
    commands.push([program, ...args]);
    if (args[0] !== '-I') return await made(args);
    const job: { folder: string } = JSON.parse(await readFile(args[2]!, 'utf8'));
    await writeFile(join(job.folder, 'model.onnx'), model);
    const answer = await runModel(readModel(model), [feeds]).catch(() => [{}]);
    for (const [part, tensors] of [
      ['feeds', feeds],
      ['expected', change(answer[0]!)],
    ] as const) {
      await mkdir(join(job.folder, part));
      await writeFile(join(job.folder, part, '0.npz'), writeNpz(tensors));
    }
    await writeFile(join(job.folder, 'report.json'), JSON.stringify(report));
    return '';
  };
  return { run, commands };
}

async function options(run: Run): Promise<ConvertOptions> {
  const framework = frameworkOf('scikit-learn');
  return {
    root,
    source: join(root, 'flowers.joblib'),
    name: 'flowers',
    license: 'Apache-2.0',
    framework,
    environment: await planEnvironment(root, framework.packages, { python: 'python3', hasUv: false }),
    inputs: [],
    samples: [],
    opset: 17,
    tolerance: 1e-3,
    run,
  };
}

describe('convert', () => {
  it('installs, exports, compares, and writes the model with where it came from', async () => {
    const { run, commands } = fakePython();
    const converted = await convert(await options(run));
    expect(converted.files).toEqual([
      'models/flowers/flowers.onnx',
      'models/flowers/provenance.json',
      'models/flowers.ts',
    ]);
    expect(commands.map(([, ...args]) => args.slice(0, 3).join(' '))).toEqual([
      expect.stringMatching(/^-m venv /),
      '-m pip install',
      expect.stringMatching(/^-I .*convert\.py .*job\.json$/),
    ]);
    expect(await readFile(join(root, 'models/flowers/flowers.onnx'))).toEqual(sampleBytes('iris'));
    const provenance = JSON.parse(await readFile(join(root, 'models/flowers/provenance.json'), 'utf8'));
    expect(provenance).toMatchObject({
      framework: 'scikit-learn',
      source: { file: 'flowers.joblib', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      exporter: 'skl2onnx.to_onnx',
      versions: { 'scikit-learn': '1.9.1' },
      opset: 13,
      parity: { argmax: 1, maxError: 0 },
    });
    expect(converted.speed).toEqual({ framework: 3, onnxruntime: expect.any(Number) });
    expect(JSON.stringify(provenance)).not.toContain('milliseconds');
    const definition = await readFile(join(root, 'models/flowers.ts'), 'utf8');
    expect(definition).toContain("'model.onnx': fromPath('models/flowers/flowers.onnx')");
  });

  it('makes the environment once, and leaves a definition that is there as it is', async () => {
    await convert(await options(fakePython().run));
    await writeFile(join(root, 'models/flowers.ts'), 'mine');
    const { run, commands } = fakePython();
    const again = await convert(await options(run));
    expect(commands.length).toBe(1);
    expect(again.files).toEqual(['models/flowers/flowers.onnx', 'models/flowers/provenance.json']);
    expect(await readFile(join(root, 'models/flowers.ts'), 'utf8')).toBe('mine');
  });

  it.each([
    [
      'the answers differ',
      fakePython(undefined, halved).run,
      'MODEL_UNSUPPORTED',
      'it answers differently: relative error',
    ],
    [
      'an operator is nobody’s',
      fakePython(foreign()).run,
      'MODEL_UNSUPPORTED',
      'onnxruntime cannot run it: operator "my.domain.Wonder"',
    ],
    [
      'the exporter fails',
      failing('-I'),
      'MODEL_UNSUPPORTED',
      'scikit-learn did not export the model: ValueError: no converter',
    ],
    ['a package cannot be had', failing('-m'), 'DEPENDENCY_MISSING', 'ValueError: no converter'],
  ])('writes nothing below models/ when %s', async (_what, run, code, message) => {
    await expect(convert(await options(run))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(await stat(join(root, 'models')).catch(() => undefined)).toBeUndefined();
    const begun = (await readdir(join(root, '.glowplug/convert'))).length;
    expect(begun).toBe(code === 'DEPENDENCY_MISSING' ? 0 : 1);
  });
});

describe('what the script says itself', () => {
  const telling = (told: object): Run => {
    const { run } = fakePython();
    return async (program, args) => {
      if (args[0] !== '-I') return await run(program, args);
      await writeFile(join(dirname(args[2]!), 'told.json'), JSON.stringify(told));
      throw Object.assign(new Error('Command failed'), { stderr: 'Traceback\nKeyError: 1\n' });
    };
  };

  it('stands for the exporter’s error where it refuses', async () => {
    const message = 'sample "s000.npz": expected inputs ["x"], got ["X"]';
    const told = { message, remedy: 'Save the inputs by name.' };
    await expect(convert(await options(telling(told)))).rejects.toMatchObject({ code: 'CONFIG_INVALID', ...told });
  });

  it('is the remedy where the exporter fails', async () => {
    const told = { remedy: 'Written by scikit-learn 1.5.2, read by 1.9.1: --package scikit-learn==1.5.2' };
    await expect(convert(await options(telling(told)))).rejects.toMatchObject({
      message: 'scikit-learn did not export the model: KeyError: 1',
      ...told,
    });
  });

  it('is a warning where nothing fails', async () => {
    const { run } = fakePython();
    const warning = 'Written by scikit-learn 1.5.2, read by 1.9.1: --package scikit-learn==1.5.2';
    const told: Run = async (program, args) => {
      if (args[0] === '-I') await writeFile(join(dirname(args[2]!), 'told.json'), JSON.stringify({ remedy: warning }));
      return await run(program, args);
    };
    expect((await convert(await options(told))).warning).toBe(warning);
  });

  it.each([
    ['torchscript', /--package NAME==VERSION; for other inputs --input\.$/],
    ['scikit-learn', /--package NAME==VERSION\.$/],
  ] as const)('of %s: --input is named where the framework needs it', async (name, remedy) => {
    const framework = frameworkOf(name);
    const failed = convert({ ...(await options(telling({}))), framework });
    await expect(failed).rejects.toMatchObject({ remedy: expect.stringMatching(remedy) });
  });
});

describe('why a program failed', () => {
  const because = (stderr: string) => reasonOf(Object.assign(new Error('Command failed: python'), { stderr }));

  it('is the whole exception, however many lines it has, and not what it was raised during', () => {
    const said = `Traceback (most recent call last):
  File "a.py", line 1, in <module>
KeyError: 1

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
    raise MissingShapeCalculator(TEXT)
skl2onnx.common.exceptions.MissingShapeCalculator: Unable to find a shape calculator for LabelSpreading.
Note: a new converter must
be implemented.
`;
    expect(because(said)).toBe(
      'skl2onnx.common.exceptions.MissingShapeCalculator: Unable to find a shape calculator for LabelSpreading. Note: a new converter must be implemented.',
    );
  });

  it('is the last line where there is no traceback, and the error itself where nothing was said', () => {
    expect(because('Collecting x\nERROR: No matching distribution found for x==0\n')).toBe(
      'ERROR: No matching distribution found for x==0',
    );
    expect(because('')).toBe('Command failed: python');
  });

  it('ends with a whole word', () => {
    expect(because(`ValueError: ${'inference '.repeat(40)}`)).toMatch(/^ValueError: (inference )+…$/);
  });
});

describe('a model that is slower than where it came from', () => {
  it('is told with both times and what to look at', () => {
    expect(slowness({ framework: 4, onnxruntime: 9 }, 'Keras', { MatMul: 3, Loop: 2 })).toBe(
      'slower than Keras: 9.00 ms a run, there 4.00 ms. Look at: 2 Loop: loops of small steps; export with fixed lengths (--input); glowplug optimize measures smaller and faster variants.',
    );
    expect(slowness({ framework: 4, onnxruntime: 9 }, 'Keras', { Mul: 700 })).toContain('700 nodes');
  });

  it('is not one where the difference may be the machine’s', () => {
    expect(slowness({ framework: 4, onnxruntime: 6.9 }, 'Keras', {})).toBeUndefined();
    expect(slowness({ framework: 0.01, onnxruntime: 0.9 }, 'Keras', {})).toBeUndefined();
  });
});

describe('the framework of a file', () => {
  it.each([
    ['net.pt', 'PK', 'torchscript'],
    ['net.pt2', 'PK', 'torch-export'],
    ['saved/saved_model.pb', '', 'saved-model'],
    ['net.keras', 'PK', 'keras'],
    ['net.h5', '\x89HDF', 'keras'],
    ['net.tflite', 'xxxxTFL3', 'tflite'],
    ['net.bin', 'xxxxTFL3', 'tflite'],
    ['net.pkl', '\x80\x04', 'scikit-learn'],
    ['net.json', '{"learner":{}}', 'xgboost'],
    ['net.txt', 'tree\nversion=v4', 'lightgbm'],
  ])('%s is %s', async (file, head, name) => {
    const path = join(root, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, head, 'latin1');
    expect((await detectFramework(file.includes('/') ? dirname(path) : path)).name).toBe(name);
  });

  it.each([
    ['net.onnx', 'is ONNX already'],
    ['net.bin', 'cannot tell what wrote'],
    ['net.json', 'cannot tell what wrote'],
    ['absent.pt', 'found nothing'],
  ])('%s is refused with what to do', async (file, message) => {
    if (file !== 'absent.pt') await writeFile(join(root, file), '{}');
    await expect(detectFramework(join(root, file))).rejects.toThrow(message);
  });

  it('named otherwise than the file looks is refused before anything is installed', async () => {
    const path = join(root, 'flowers.joblib');
    await expect(namedFramework(path, 'keras')).rejects.toThrow(
      `expected a file of Keras, ${path} looks like one of scikit-learn`,
    );
    await expect(namedFramework(join(root, 'absent.joblib'), 'keras')).rejects.toMatchObject({
      message: expect.stringContaining('found nothing'),
      remedy: 'Give the path of a file, or of the folder of a SavedModel.',
    });
    await writeFile(join(root, 'net.pt'), 'PK');
    await writeFile(join(root, 'net.bin'), '{}');
    expect((await namedFramework(join(root, 'net.pt'), 'torch-export')).name).toBe('torch-export');
    expect((await namedFramework(join(root, 'net.bin'), 'xgboost')).name).toBe('xgboost');
  });

  it('each says exactly what is installed, by uv where it is there', async () => {
    for (const name of frameworkNames) {
      const { packages } = frameworkOf(name);
      expect(
        packages.every((one) => /^[\w-]+==[\d.]+$/.test(one)),
        name,
      ).toBe(true);
      const { commands } = await planEnvironment(root, packages, { python: 'python3', hasUv: true });
      expect(commands.map(([program, ...args]) => `${program} ${args[0]}`)).toEqual(['uv venv', 'uv pip']);
      expect(commands[1]!.slice(-packages.length)).toEqual(packages);
    }
  });
});

describe('an input', () => {
  it('has a name, a type, and lengths or names for free ones', () => {
    expect(parseModelInput('x:float32[N,3,48,W=160]')).toEqual({
      name: 'x',
      type: 'float32',
      dims: [
        ['N', 2],
        [null, 3],
        [null, 48],
        ['W', 160],
      ],
    });
    expect(parseModelInput('ids:int64[]').dims).toEqual([]);
  });

  it.each([
    'x',
    'x:float32',
    'x:text[1]',
    'x:float32[0]',
    'x:float32[-1]',
    'x:float32[1,,2]',
    'x:float32[N=]',
    ':float32[1]',
  ])('%s is refused', (text) => {
    expect(() => parseModelInput(text)).toThrow('expected an input such as x:float32[N,3,48,W=160]');
  });
});

function halved(outputs: Tensors): Tensors {
  const { probabilities, ...rest } = outputs;
  return {
    ...rest,
    probabilities: tensor(
      'FP32',
      probabilities!.shape,
      Float32Array.from(probabilities!.data as Float32Array, (one) => one / 2),
    ),
  };
}

function foreign(): Uint8Array {
  return bytesOf(tinyGraph({ node: [{ opType: 'Wonder', domain: 'my.domain', input: ['x'], output: ['y'] }] }));
}

/** What venv leaves. */
async function made([, module, folder]: readonly string[]): Promise<string> {
  if (module === 'venv') await mkdir(folder!);
  return '';
}

function failing(flag: string): Run {
  return async (program, args) => {
    if (args[0] !== flag) return await made(args);
    throw Object.assign(new Error(`Command failed: ${program}`), { stderr: 'Traceback\nValueError: no converter\n' });
  };
}
