// Real frameworks, exported by themselves in an environment that the command makes: scikit-learn and PyTorch.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { writeNpz } from '../../src/optimize/write-npz.ts';
import { convert } from '../../src/release/convert/convert.ts';
import { detectFramework, frameworkOf } from '../../src/release/convert/frameworks.ts';
import { parseModelInput } from '../../src/release/convert/model-input.ts';
import { makeEnvironment, planEnvironment, type Run } from '../../src/release/convert/python-environment.ts';
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

const net = `import torch, torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)).eval()
x = torch.randn(2, 3, 16, 16)
`;
const trace = `${net}torch.jit.trace(net, x).save(TARGET)`;
const program = `${net}torch.export.save(torch.export.export(net, (x,), dynamic_shapes=({0: torch.export.Dim("N")},)), TARGET)`;
const weights = `${net}torch.save(net.state_dict(), TARGET)`;

async function converting(file: string, make: string, inputs: readonly string[], withSamples: boolean) {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-convert-peer-'));
  try {
    const named = file.endsWith('pt2') ? 'torch-export' : file.endsWith('pt') ? 'torchscript' : 'scikit-learn';
    const environment = await planEnvironment(root, frameworkOf(named).packages, { python: 'python3', hasUv: false });
    const python = await makeEnvironment(environment, run);
    const source = join(folder, file);
    await run(python, ['-c', make.replace('TARGET', JSON.stringify(source))]);
    const sample = join(folder, 'sample.npz');
    if (withSamples) await writeFile(sample, writeNpz(flowers()));
    return await convert({
      root: folder,
      source,
      name: 'net',
      license: 'Apache-2.0',
      framework: await detectFramework(source),
      environment: { ...environment, commands: [] },
      inputs: inputs.map(parseModelInput),
      samples: withSamples ? [sample] : [],
      opset: 17,
      tolerance: 1e-3,
      run,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const missing = async (name: string) => {
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
    const { provenance } = await converting('flowers.joblib', scikit, [], true);
    console.log(JSON.stringify(provenance));
    expect(provenance.samples).toBe(1);
    expect(provenance.parity.argmax).toBe(1);
  });

  it('PyTorch: TorchScript and torch.export; weights alone are refused', { timeout: 1_800_000 }, async ({ skip }) => {
    const why = await missing('torchscript');
    if (why) skip(why);
    const traced = await converting('net.pt', trace, ['x:float32[N,3,16,16]'], false);
    const exported = await converting('net.pt2', program, [], false);
    for (const { provenance } of [traced, exported]) {
      console.log(JSON.stringify(provenance));
      expect(provenance.parity.relativeError).toBeLessThan(1e-4);
    }
    await expect(converting('weights.pt', weights, ['x:float32[N,3,16,16]'], false)).rejects.toThrow(
      'expected TorchScript',
    );
  });
});
