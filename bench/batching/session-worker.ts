// The thread that owns the session: runs what it is sent, one after another, while the main thread goes on listening.
import { parentPort, workerData } from 'node:worker_threads';
import { createOrtSession } from '../../src/session/ort.ts';

const session = await createOrtSession(workerData.path, { threads: workerData.threads });
parentPort?.postMessage({ signature: session.signature, bytes: session.bytes });
parentPort?.on('message', async ({ id, feeds }) => {
  try {
    parentPort?.postMessage({ id, outputs: await session.run(feeds) });
  } catch (error) {
    parentPort?.postMessage({ id, error: String(error) });
  }
});
