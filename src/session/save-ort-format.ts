// Writes a model in onnxruntime's own format, which its builds for small devices read without a protobuf parser.
import { stat } from 'node:fs/promises';
import { GlowplugError } from '../core/errors.ts';

/**
 * The model at `modelPath` as an .ort file. Only optimisations that hold on every processor are in it.
 *
 * @returns bytes of the file
 * @throws GlowplugError MODEL_INVALID, DEPENDENCY_MISSING
 */
export async function saveOrtFormat(modelPath: string, target: string): Promise<number> {
  const ort = await import('onnxruntime-node').catch((cause: unknown) => {
    throw new GlowplugError('DEPENDENCY_MISSING', 'expected the package onnxruntime-node, found none that loads', {
      cause,
    });
  });
  try {
    const session = await ort.InferenceSession.create(modelPath, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'basic',
      optimizedModelFilePath: target,
      logSeverityLevel: 3,
      extra: { session: { save_model_format: 'ORT' } },
    });
    await session.release();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^.*failed:/s, '').trim() : String(cause);
    throw new GlowplugError('MODEL_INVALID', `onnxruntime did not write the model: ${reason.slice(0, 200)}`, { cause });
  }
  return (await stat(target)).size;
}
