// A session in a thread of its own. `session.run` blocks its thread: with clients, batcher and session in one thread nobody
// can come while a run is under way, and those who do are only read after it. A server has its sockets elsewhere, so has this.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Session } from '../../src/session/session.ts';
import type { Tensors } from '../../src/tensor/tensor.ts';

interface Answer {
  readonly id: number;
  readonly outputs?: Tensors;
  readonly error?: string;
}

export async function workerSession(path: string, threads: number): Promise<Session> {
  const worker = new Worker(new URL('./session-worker.ts', import.meta.url), { workerData: { path, threads } });
  const [{ signature, bytes }] = await once(worker, 'message');
  const waiting = new Map<number, PromiseWithResolvers<Tensors>>();
  let last = 0;
  worker.on('message', ({ id, outputs, error }: Answer) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (outputs) one?.resolve(outputs);
    else one?.reject(new Error(error));
  });
  return {
    signature,
    bytes,
    run(feeds) {
      const id = ++last;
      const one = Promise.withResolvers<Tensors>();
      waiting.set(id, one);
      worker.postMessage({ id, feeds });
      return one.promise;
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
