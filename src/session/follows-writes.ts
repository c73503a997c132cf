// Whether onnxruntime, on this kernel and this file system, sees bytes that were written after it mapped their file. The
// session that finds out is tiny, and pays what onnxruntime does only once (22 ms) before a model waits for it.
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';

type Ort = typeof import('onnxruntime-node');

/** y = x + w, FP32 [1024]; w lies in a file `w`. test/session/filling-map.test.ts makes it again. */
export const probe =
  'CAg6cwoOCgF4CgF3EgF5IgNBZGQSBXByb2JlKjYIgAgQAUIBd2oNCghsb2NhdGlvbhIBd2oLCgZvZmZzZXQSATBqDgoGbGVuZ3RoEgQ0MDk2cAFaEAoBeBILCgkIARIFCgMIgAhiEAoBeRILCgkIARIFCgMIgAhCBAoAEBE=';
const length = 1024;

/** Makes `folder` and removes it. False for whatever goes wrong there: the slow way needs less. */
export async function followsWrites(
  ort: Ort,
  folder: string,
  options: InferenceSession.SessionOptions,
): Promise<boolean> {
  try {
    // Not by the thread pool: while weights arrive, each turn of the event loop is one full of them.
    mkdirSync(folder, { recursive: true });
    return await tryIt(ort, folder, options);
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function tryIt(ort: Ort, folder: string, options: InferenceSession.SessionOptions): Promise<boolean> {
  const fd = openSync(join(folder, 'w'), 'wx+');
  try {
    ftruncateSync(fd, length * Float32Array.BYTES_PER_ELEMENT);
    const session = await ort.InferenceSession.create(Buffer.from(probe, 'base64'), {
      ...options,
      extra: { session: { ...Object(options.extra)['session'], model_external_initializers_file_folder_path: folder } },
    });
    const x = new ort.Tensor('float32', new Float32Array(length), [length]);
    const written = Float32Array.from({ length }, (_, index) => index + 1);
    writeSync(fd, written);
    const { y } = await session.run({ x });
    void session.release();
    return y?.data instanceof Float32Array && y.data.every((value, index) => value === written[index]);
  } finally {
    closeSync(fd);
  }
}
