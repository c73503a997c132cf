// A TensorRT engine of an ONNX model, by TensorRT's own trtexec: on the machine, and for the GPU, that will run it.
import { stat } from 'node:fs/promises';
import { GlowplugError } from '../../core/errors.ts';
import type { Signature } from '../../core/signature.ts';
import type { ModelInput } from './model-input.ts';
import { cut, type Run, reasonOf } from './python-environment.ts';

/** Where TensorRT's packages and NVIDIA's images put it, beside PATH. */
const places = ['trtexec', '/usr/src/tensorrt/bin/trtexec'];

export interface EngineOptions {
  /** Path of the .onnx file. */
  readonly model: string;
  readonly signature: Signature;
  /** Path of the engine. */
  readonly target: string;
  /** Lengths of what the model leaves free: those that the engine is tuned for, and its longest; 1 is its shortest. */
  readonly inputs: readonly ModelInput[];
  readonly run: Run;
}

/** @throws GlowplugError DEPENDENCY_MISSING (no trtexec), CONFIG_INVALID (free lengths), MODEL_UNSUPPORTED (with what TensorRT said) */
export async function buildEngine({ model, signature, target, inputs, run }: EngineOptions): Promise<{
  readonly bytes: number;
  /** Version, as trtexec says it: no other one runs the engine. */
  readonly tensorrt: string;
}> {
  const shapes = shapeArguments(signature, inputs);
  for (const program of places) {
    try {
      const said = await run(program, [`--onnx=${model}`, `--saveEngine=${target}`, '--skipInference', ...shapes]);
      const version = /\[TensorRT v(\d+)\]/.exec(said)?.[1] ?? 'unknown';
      return { bytes: (await stat(target)).size, tensorrt: version };
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') continue;
      throw new GlowplugError('MODEL_UNSUPPORTED', `TensorRT did not build an engine: ${markedReason(cause)}`, {
        cause,
        remedy:
          'Change what it names, or leave the model to glowplug serve --provider cuda, which runs what TensorRT does not take.',
      });
    }
  }
  throw new GlowplugError('DEPENDENCY_MISSING', `expected ${places.join(' or ')}, found neither`, {
    remedy:
      'Run it on the GPU machine with TensorRT (package libnvinfer-bin, or NVIDIA’s TensorRT image). Without an engine, glowplug serve --provider tensorrt builds its own when it starts.',
  });
}

/** trtexec's own: shortest, best and longest shape of each input with a free length. */
function shapeArguments(signature: Signature, inputs: readonly ModelInput[]): string[] {
  const free = Object.entries(signature.inputs).filter(([, { shape }]) => shape.some((one) => typeof one === 'string'));
  if (free.length === 0) return [];
  const shapes = free.map(([name, { shape }]) => {
    const given = inputs.find((input) => input.name === name)?.dims.map(([, length]) => length);
    const fits =
      given?.length === shape.length && shape.every((one, at) => typeof one === 'string' || one === given[at]);
    if (!given || !fits) {
      const example = shape.map((one) => (typeof one === 'string' ? 8 : one)).join(',');
      throw new GlowplugError('CONFIG_INVALID', `expected lengths for ${name}[${shape.join(',')}]`, {
        remedy: `Give the longest that the engine is to take: --input '${name}:float32[${example}]'.`,
      });
    }
    return { name, least: shape.map((one) => (typeof one === 'string' ? 1 : one)), most: given };
  });
  const of = (pick: 'least' | 'most') => shapes.map((one) => `${one.name}:${one[pick].join('x')}`).join(',');
  return [`--minShapes=${of('least')}`, `--optShapes=${of('most')}`, `--maxShapes=${of('most')}`];
}

/** trtexec marks errors by [E]; the first is the cause. */
function markedReason(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : '';
  const marked = said.split('\n').find((line) => line.includes('[E]'));
  return marked ? cut(marked.replace(/^.*\[E\]\s*/, '')) : reasonOf(error);
}
