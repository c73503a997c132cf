// Real frameworks, exported by themselves in an environment that the command makes.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { writeNpz } from '../../src/optimize/write-npz.ts';
import { convert } from '../../src/release/convert/convert.ts';
import { detectFramework, type FrameworkName, frameworkOf } from '../../src/release/convert/frameworks.ts';
import { parseModelInput } from '../../src/release/convert/model-input.ts';
import { makeEnvironment, planEnvironment, type Run } from '../../src/release/convert/python-environment.ts';
import { type Tensors, tensor } from '../../src/tensor/tensor.ts';
import { flowers } from '../optimize/task-samples.ts';
import { root } from '../root.ts';

const run: Run = async (program, args) =>
  (await promisify(execFile)(program, [...args], { timeout: 900_000, maxBuffer: 2 ** 26 })).stdout;

const scikit = `import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
joblib.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(*load_iris(return_X_y=True)), TARGET)`;

const saving = (imports: string, held: string) => `import joblib, sklearn
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.${imports}
x, y = load_iris(return_X_y=True)
joblib.dump(${held}, TARGET)`;

const boosted = (saving: string) => `from sklearn.datasets import load_iris
x, y = load_iris(return_X_y=True)
${saving}`;
const xgboost = boosted(
  'import xgboost\nxgboost.XGBClassifier(n_estimators=5).fit(x, y).get_booster().save_model(TARGET)',
);
const lightgbm = boosted(
  'import lightgbm\nlightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(x, y).booster_.save_model(TARGET)',
);

const images = `import keras, tensorflow as tf
layers = keras.layers
keras.utils.set_random_seed(0)
net = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(8, 3), layers.BatchNormalization(), layers.ReLU(),
                        layers.GlobalAveragePooling2D(), layers.Dense(5, activation="softmax")])
`;
const keras = `${images}net.save(TARGET)`;
/** Inputs and outputs whose order is not that of their names. */
const several = `import keras
layers = keras.layers
b, a = keras.Input((7,), name="b"), keras.Input((3,), name="a")
keras.Model([b, a], [layers.Dense(4, name="q")(b), layers.Dense(4, name="p")(a)]).save(TARGET)`;
const recurrent = `import keras
layers = keras.layers
keras.Sequential([keras.Input((None,), dtype="int32"), layers.Embedding(50, 8), layers.LSTM(6), layers.Dense(2)]).save(TARGET)`;
const saved = `${images}net.export(TARGET, verbose=False)`;
const lite = `${images}open(TARGET, "wb").write(tf.lite.TFLiteConverter.from_keras_model(net).convert())`;
const lite8 = `${images}converter = tf.lite.TFLiteConverter.from_keras_model(net)
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = lambda: ([tf.random.normal((1, 16, 16, 3))] for _ in range(20))
open(TARGET, "wb").write(converter.convert())`;
const odd = `import tensorflow as tf
class Odd(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def run(self, x): return {"y": tf.math.bessel_i0(x)}
odd = Odd()
tf.saved_model.save(odd, TARGET, signatures=odd.run)`;

const net = `import torch, torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)).eval()
x = torch.randn(2, 3, 16, 16)
`;
const trace = `${net}torch.jit.trace(net, x).save(TARGET)`;
const program = `${net}torch.export.save(torch.export.export(net, (x,), dynamic_shapes=({0: torch.export.Dim("N")},)), TARGET)`;
const weights = `${net}torch.save(net.state_dict(), TARGET)`;

interface Case {
  readonly inputs?: readonly string[];
  readonly samples?: Tensors;
}

async function converting(name: FrameworkName, file: string, make: string, { inputs = [], samples }: Case = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-convert-peer-'));
  try {
    const environment = await planEnvironment(root, frameworkOf(name).packages, { python: 'python3', hasUv: false });
    const python = await makeEnvironment(environment, run);
    const source = join(folder, file);
    await run(python, ['-c', make.replaceAll('TARGET', JSON.stringify(source))]);
    const sample = join(folder, 'sample.npz');
    if (samples) await writeFile(sample, writeNpz(samples));
    return await convert({
      root: folder,
      source,
      name: 'net',
      license: 'Apache-2.0',
      framework: await detectFramework(source),
      environment: { ...environment, commands: [] },
      inputs: inputs.map(parseModelInput),
      samples: samples ? [sample] : [],
      opset: 17,
      tolerance: 1e-3,
      run,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const missing = async (name: FrameworkName) => {
  const plan = await planEnvironment(root, frameworkOf(name).packages, { python: 'python3', hasUv: false });
  return await makeEnvironment(plan, run).then(
    () => undefined,
    (error: Error) => error.message,
  );
};

describe('convert', () => {
  it('scikit-learn: a pipeline, on samples that NumPy reads', { timeout: 1_200_000 }, async ({ skip }) => {
    const why = await missing('scikit-learn');
    if (why) skip(why);
    const { provenance } = await converting('scikit-learn', 'flowers.joblib', scikit, { samples: flowers() });
    console.log(JSON.stringify(provenance));
    expect(provenance.samples).toBe(1);
    expect(provenance.parity.argmax).toBe(1);
  });

  it('scikit-learn: clusters, outliers and scores without probabilities', { timeout: 1_200_000 }, async ({ skip }) => {
    const why = await missing('scikit-learn');
    if (why) skip(why);
    for (const [imports, estimator] of [
      ['cluster import KMeans', 'KMeans(3, n_init=1).fit(x)'],
      ['cluster import KMeans', 'KMeans(3, n_init=1).fit(x.astype("f"))'],
      ['ensemble import IsolationForest', 'IsolationForest(n_estimators=5).fit(x)'],
      ['mixture import GaussianMixture', 'GaussianMixture(3, random_state=0).fit(x)'],
      ['svm import SVC', 'SVC().fit(x, y > 0)'],
      ['svm import LinearSVC', 'make_pipeline(StandardScaler(), LinearSVC()).fit(x, y)'],
    ] as const) {
      const { provenance } = await converting('scikit-learn', 'net.joblib', saving(imports, estimator));
      expect(provenance.parity.relativeError, estimator).toBeLessThan(1e-4);
    }
  });

  it('scikit-learn: what is not taken is told with what to do', { timeout: 1_200_000 }, async ({ skip }) => {
    const why = await missing('scikit-learn');
    if (why) skip(why);
    const texts = 'make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["buy now", "hello friend"], [1, 0])';
    const labels = 'LabelSpreading().fit(x, y)';
    for (const [imports, held, message] of [
      ['linear_model import LinearRegression', '{"model": LinearRegression().fit(x, y)}', 'holds a dict, expected'],
      ['linear_model import LinearRegression', 'LinearRegression()', 'holds a LinearRegression that is not fitted'],
      ['feature_extraction.text import TfidfVectorizer', texts, 'takes texts or other objects'],
      ['semi_supervised import LabelSpreading', labels, 'Unable to find a shape calculator'],
    ] as const)
      await expect(converting('scikit-learn', 'net.joblib', saving(imports, held))).rejects.toThrow(message);
    const text = 'open(TARGET, "w").write("hello world")';
    await expect(converting('scikit-learn', 'net.pkl', text)).rejects.toThrow('net.pkl is no pickle that opens: ');
    const older = `${saving('linear_model import LogisticRegression', 'LogisticRegression(max_iter=500).fit(x, y)')}
data = open(TARGET, "rb").read()
open(TARGET, "wb").write(data.replace(sklearn.__version__.encode(), b"1.5.2"))`;
    const { warning } = await converting('scikit-learn', 'net.joblib', older);
    expect(warning).toMatch(/^Written by scikit-learn 1\.5\.2, read by [\d.]+: --package scikit-learn==1\.5\.2$/);
  });

  it('scikit-learn: samples are checked by name and shape, and cast', { timeout: 1_200_000 }, async ({ skip }) => {
    const why = await missing('scikit-learn');
    if (why) skip(why);
    const x = tensor('FP64', [1, 4], Float64Array.of(5.1, 3.5, 1.4, 0.2));
    const { provenance } = await converting('scikit-learn', 'net.joblib', scikit, { samples: { x } });
    expect(provenance.samples).toBe(1);
    await expect(converting('scikit-learn', 'net.joblib', scikit, { samples: { X: x } })).rejects.toThrow(
      'sample "sample.npz": expected inputs ["x"], got ["X"]',
    );
    const short = tensor('FP32', [1, 2], Float32Array.of(1, 2));
    await expect(converting('scikit-learn', 'net.joblib', scikit, { samples: { x: short } })).rejects.toThrow(
      'sample "sample.npz": expected shape [N,4] for input "x", got [1, 2]',
    );
  });

  it.each([
    ['xgboost', 'booster.json', xgboost],
    ['lightgbm', 'booster.txt', lightgbm],
  ] as const)('%s: a classifier of three classes', { timeout: 1_200_000 }, async (name, file, make) => {
    const why = await missing(name);
    if (why) return console.log(`not run: ${why}`);
    const { provenance } = await converting(name, file, make);
    console.log(JSON.stringify(provenance));
    expect(provenance.parity.argmax).toBe(1);
  });

  it('PyTorch: TorchScript and torch.export; weights alone are refused', { timeout: 1_800_000 }, async ({ skip }) => {
    const why = await missing('torchscript');
    if (why) skip(why);
    const inputs = ['x:float32[N,3,16,16]'];
    const traced = await converting('torchscript', 'net.pt', trace, { inputs });
    const exported = await converting('torch-export', 'net.pt2', program);
    for (const { provenance } of [traced, exported]) {
      console.log(JSON.stringify(provenance));
      expect(provenance.parity.relativeError).toBeLessThan(1e-4);
    }
    await expect(converting('torchscript', 'weights.pt', weights, { inputs })).rejects.toThrow('expected TorchScript');
  });

  it('TensorFlow: Keras, SavedModel and TensorFlow Lite', { timeout: 1_800_000 }, async ({ skip }) => {
    const why = await missing('keras');
    if (why) skip(why);
    for (const [name, file, make] of [
      ['keras', 'net.keras', keras],
      ['keras', 'net.h5', keras],
      ['keras', 'several.keras', several],
      ['keras', 'recurrent.keras', recurrent],
      ['saved-model', 'saved', saved],
      ['tflite', 'net.tflite', lite],
      ['tflite', 'net.tflite', lite8],
    ] as const) {
      const { provenance, bytes } = await converting(name, file, make);
      console.log(`${file}: ${bytes} bytes, ${JSON.stringify(provenance)}`);
      expect(provenance.parity.relativeError, file).toBeLessThan(1e-4);
    }
    // An operator that ONNX does not have: named, with what to do.
    await expect(converting('saved-model', 'odd', odd)).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('BesselI0'),
      remedy: expect.stringContaining('write the operator in terms of others'),
    });
  });
});
