// The thread that ends a serving process without a supervisor whose event loop, which would end it, is never given back.
import { workerData } from 'node:worker_threads';
import type { OrphanStart } from './end-orphaned.ts';

const { parent, afterMs }: OrphanStart = workerData;
const alone = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(alone);
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), afterMs);
}, 1000);
