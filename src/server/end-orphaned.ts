// A process that nobody watches over ends, whatever its event loop does.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { threadEnvironment } from '../core/contract.ts';

export interface OrphanStart {
  readonly parent: number;
  readonly afterMs: number;
}

/** By SIGKILL, `afterMs` after the process that started this one is gone. Its thread takes 10 MB and looks once a second. */
export function endOrphaned(afterMs: number): void {
  const file = new URL(`./orphan-thread${extname(import.meta.url)}`, import.meta.url);
  const workerData: OrphanStart = { parent: process.ppid, afterMs };
  new Worker(file, { workerData, env: { ...threadEnvironment() } }).unref();
}
