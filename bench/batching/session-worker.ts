// The thread that owns the session: runs what it is sent, one after another, while the main thread goes on listening.
import { parentPort, workerData } from 'node:worker_threads';
import { createOrtSession } from '../../src/session/ort.ts';
import type { Tensors } from '../../src/tensor/tensor.ts';

const session = await createOrtSession(workerData.path, { threads: workerData.threads });
parentPort?.postMessage({ signature: session.signature, bytes: session.bytes });
parentPort?.on('message', ({ id, feeds }) => void answer(id, feeds));

async function answer(id: number, feeds: Tensors): Promise<void> {
  try {
    parentPort?.postMessage({ id, outputs: await session.run(feeds) });
  } catch (error) {
    parentPort?.postMessage({ id, error: String(error) });
  }
}
