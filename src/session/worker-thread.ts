// The thread of a worker session: it owns the onnxruntime session and runs what comes, one after the other.
import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import { createOrtSession } from './ort.ts';
import type { Session } from './session.ts';
import { type FromWorker, packError, type ToWorker, toMove, type WorkerStart } from './worker-messages.ts';

// Not awaited: a bundle is CommonJS, and has no await here. It never rejects.
if (parentPort) void serve(parentPort, workerData);

async function serve(port: NonNullable<typeof parentPort>, { modelPath, options }: WorkerStart): Promise<void> {
  const say = (message: FromWorker, moved: readonly Transferable[] = []) => port.postMessage(message, moved);
  let session: Session;
  try {
    session = await createOrtSession(modelPath, options);
  } catch (error) {
    say({ kind: 'refused', error: packError(error) });
    return port.close();
  }
  let last = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    last = last.then(async () => {
      if (message !== 'close') return await run(session, message, say);
      await session[Symbol.asyncDispose]();
      port.close();
    });
  });
  const { signature, bytes, picked } = session;
  say({ kind: 'open', signature, bytes, picked });
}

async function run(
  session: Session,
  { id, feeds }: Exclude<ToWorker, 'close'>,
  say: (message: FromWorker, moved?: readonly Transferable[]) => void,
): Promise<void> {
  const start = performance.now();
  try {
    const outputs = await session.run(feeds);
    const ms = performance.now() - start;
    // onnxruntime made these arrays for this run: nobody else holds them.
    const { moved, buffers } = toMove(outputs, true);
    say({ kind: 'ran', id, outputs: moved, ms }, buffers);
  } catch (error) {
    say({ kind: 'failed', id, error: packError(error) });
  }
}
