// The frameworks that models are converted from: how their files are known, what is installed, and who exports.
import { open, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { GlowplugError } from '../../core/errors.ts';
import { type ScriptName, scripts } from './scripts.ts';

export interface Framework {
  /** As `--framework` names it. */
  readonly name: FrameworkName;
  /** What people call it. */
  readonly title: string;
  /** As pip takes them: exact, so that the same file is converted the same way. */
  readonly packages: readonly string[];
  readonly script: ScriptName;
  /** The exporter needs the inputs told (`--input`): its files do not say their shapes. */
  readonly needsInputs: boolean;
  /** What opening such a file may do. */
  readonly warning?: string;
}

export const frameworkNames = [
  'torchscript',
  'torch-export',
  'saved-model',
  'keras',
  'tflite',
  'scikit-learn',
  'xgboost',
  'lightgbm',
] as const;
export type FrameworkName = (typeof frameworkNames)[number];

const onnx = ['onnx==1.23.2', 'numpy==2.4.6'];
const torch = ['torch==2.8.0', 'onnxscript==0.7.2', ...onnx];
/** The CPU's wheel, a third of the other, is there for x86-64 alone. Older Keras files open under it, too. */
const tensorflow = [
  process.arch === 'x64' ? 'tensorflow-cpu==2.21.0' : 'tensorflow==2.21.0',
  'tf2onnx==1.17.0',
  ...onnx,
];
/** onnxmltools imports packaging and does not ask for it. */
const trees = ['onnxmltools==1.16.0', 'packaging==26.3', 'scikit-learn==1.9.1', 'skl2onnx==1.20.0', ...onnx];
const pickle = 'A pickle runs the code that it holds when it is opened. Convert only files whose maker you trust.';

const all: readonly Framework[] = [
  { name: 'torchscript', title: 'PyTorch (TorchScript)', packages: torch, script: 'torchscript', needsInputs: true },
  {
    name: 'torch-export',
    title: 'PyTorch (torch.export)',
    packages: torch,
    script: 'torch-export',
    needsInputs: false,
  },
  {
    name: 'saved-model',
    title: 'TensorFlow SavedModel',
    packages: tensorflow,
    script: 'tensorflow',
    needsInputs: false,
  },
  {
    name: 'keras',
    title: 'Keras',
    packages: tensorflow,
    script: 'tensorflow',
    needsInputs: false,
    warning:
      'A Keras file with a Lambda layer runs its code when it is used. Convert only files whose maker you trust.',
  },
  { name: 'tflite', title: 'TensorFlow Lite', packages: tensorflow, script: 'tensorflow', needsInputs: false },
  {
    name: 'scikit-learn',
    title: 'scikit-learn',
    packages: ['scikit-learn==1.9.1', 'skl2onnx==1.20.0', ...onnx],
    script: 'scikit-learn',
    needsInputs: false,
    warning: `${pickle} It opens for certain only under the scikit-learn that wrote it: --package scikit-learn==…`,
  },
  {
    name: 'xgboost',
    title: 'XGBoost',
    packages: ['xgboost==3.2.0', ...trees],
    script: 'xgboost',
    needsInputs: false,
  },
  {
    name: 'lightgbm',
    title: 'LightGBM',
    packages: ['lightgbm==4.7.0', ...trees],
    script: 'lightgbm',
    needsInputs: false,
  },
];

/** @throws GlowplugError CONFIG_INVALID for a name that is none */
export function frameworkOf(name: string): Framework {
  const found = all.find((one) => one.name === name);
  if (found && found.script in scripts) return found;
  throw new GlowplugError('CONFIG_INVALID', `expected a framework, one of ${frameworkNames.join(', ')}, got ${name}`, {
    remedy: 'Name it with --framework.',
  });
}

/**
 * The framework by the file's name and first bytes.
 *
 * @throws GlowplugError CONFIG_INVALID where they do not tell
 */
export async function detectFramework(path: string): Promise<Framework> {
  const found = await stat(path).catch(() => undefined);
  if (!found)
    throw unclear(
      `expected a model at ${path}, found nothing`,
      'Give the path of a file, or of the folder of a SavedModel.',
    );
  if (found.isDirectory()) {
    if (await stat(join(path, 'saved_model.pb')).catch(() => undefined)) return frameworkOf('saved-model');
    throw unclear(`expected a SavedModel in the folder ${path}, found no saved_model.pb`);
  }
  const head = await firstBytes(path);
  switch (extname(path).toLowerCase()) {
    case '.pt2':
      return frameworkOf('torch-export');
    case '.pt':
    case '.pth':
    case '.ts':
      return frameworkOf('torchscript');
    case '.keras':
    case '.h5':
    case '.hdf5':
      return frameworkOf('keras');
    case '.tflite':
      return frameworkOf('tflite');
    case '.pkl':
    case '.pickle':
    case '.joblib':
      return frameworkOf('scikit-learn');
    case '.ubj':
      return frameworkOf('xgboost');
    case '.json':
      if (head.startsWith('{"learner"')) return frameworkOf('xgboost');
      break;
    case '.txt':
    case '.lgb':
      if (head.startsWith('tree\n') || head.startsWith('tree\r')) return frameworkOf('lightgbm');
      break;
    case '.onnx':
      throw unclear(
        `${path} is ONNX already`,
        'Look at it with glowplug inspect, or make it smaller with glowplug optimize.',
      );
  }
  if (head.startsWith('TFL3', 4)) return frameworkOf('tflite');
  throw unclear(`cannot tell what wrote ${path}`);
}

/**
 * The framework that `--framework` names, for a file that does not look like one of other packages: they are up to 3 GB.
 *
 * @throws GlowplugError CONFIG_INVALID
 */
export async function namedFramework(path: string, name: string): Promise<Framework> {
  const named = frameworkOf(name);
  await stat(path).catch(() => detectFramework(path));
  const found = await detectFramework(path).catch(() => named);
  if (found.packages === named.packages) return named;
  throw unclear(
    `expected a file of ${named.title}, ${path} looks like one of ${found.title}`,
    `Leave out --framework, or say --framework ${found.name}.`,
  );
}

async function firstBytes(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function unclear(
  message: string,
  remedy = `Name the framework: --framework ${frameworkNames.join('|')}.`,
): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', message, { remedy });
}
