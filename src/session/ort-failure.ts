// What it means that onnxruntime refuses a model, or fails to run it. It tells its failures apart by their text alone.
import { GlowplugError } from '../core/errors.ts';
import { memoryFor } from './budget.ts';

/** @param bytes that the model takes in memory */
export function toOpen(cause: unknown, bytes: number): GlowplugError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/bad_alloc|failed to allocate|out of memory/i.test(text)) {
    const message = `expected memory for a model of ${Math.ceil(bytes / 1e6)} MB, got none`;
    const remedy = `Give the function at least ${memoryFor(bytes)} MB of memory.`;
    return new GlowplugError('MEMORY_BUDGET', message, { cause, remedy });
  }
  const unsupported =
    /not a registered function\/op|No Op registered|opset|is not supported|NOT_IMPLEMENTED|Could not find an implementation|IR version/i;
  if (unsupported.test(text)) {
    return new GlowplugError('MODEL_UNSUPPORTED', `expected a model that onnxruntime can run: ${reason(text)}`, {
      cause,
    });
  }
  return new GlowplugError('MODEL_INVALID', `expected an ONNX model: ${reason(text)}`, { cause });
}

export function toRun(cause: unknown): GlowplugError {
  const text = cause instanceof Error ? cause.message : '';
  if (outOfMemory.test(text)) return new GlowplugError('DEVICE_MEMORY', 'no memory for this run', { cause });
  return new GlowplugError('SESSION_FAILED', 'onnxruntime failed to run the model', { cause });
}

/** As CUDA, cuBLAS and onnxruntime's arenas say it. */
const outOfMemory = /out of memory|CUDA failure 2\b|ALLOC_FAILED|Failed to allocate memory|Available memory of/i;

/** onnxruntime's own words without its source paths and the model's path. */
function reason(text: string): string {
  return text
    .replace(/^.*failed:/s, '')
    .replace(/\/onnxruntime_src\S+\s.*?\)\s/s, '')
    .trim()
    .slice(0, 300);
}
