// Writes a model as onnxruntime's own optimiser leaves it, as ONNX or in the format of its builds for small devices.
import { stat } from 'node:fs/promises';
import { GlowplugError } from '../core/errors.ts';

/**
 * `extended` fuses nodes to operators that onnxruntime alone has, and holds on every processor, as `basic` does; `all` lays
 * convolutions out for the vectors of this one.
 */
export type OptimizedLevel = 'basic' | 'extended' | 'all';

/**
 * The model at `modelPath` as ONNX, optimised beforehand: it runs as well where nothing is optimised when it loads.
 *
 * @throws GlowplugError MODEL_INVALID, DEPENDENCY_MISSING
 */
export async function saveOptimized(modelPath: string, target: string, level: OptimizedLevel): Promise<void> {
  await save(modelPath, target, level, 'ONNX');
}

/**
 * The model at `modelPath` as an .ort file, which is read without a protobuf parser. Only optimisations that hold on every
 * processor and in every build are in it.
 *
 * @returns bytes of the file
 * @throws GlowplugError MODEL_INVALID, DEPENDENCY_MISSING
 */
export async function saveOrtFormat(modelPath: string, target: string): Promise<number> {
  await save(modelPath, target, 'basic', 'ORT');
  return (await stat(target)).size;
}

async function save(modelPath: string, target: string, level: OptimizedLevel, format: 'ONNX' | 'ORT'): Promise<void> {
  const ort = await import('onnxruntime-node').catch((cause: unknown) => {
    throw new GlowplugError('DEPENDENCY_MISSING', 'expected the package onnxruntime-node, found none that loads', {
      cause,
    });
  });
  try {
    const session = await ort.InferenceSession.create(modelPath, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: level,
      optimizedModelFilePath: target,
      logSeverityLevel: 3,
      extra: { session: { save_model_format: format } },
    });
    await session.release();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^.*failed:/s, '').trim() : String(cause);
    throw new GlowplugError('MODEL_INVALID', `onnxruntime did not write the model: ${reason.slice(0, 200)}`, { cause });
  }
}
