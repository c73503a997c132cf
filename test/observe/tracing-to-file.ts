// For NODE_OPTIONS=--import: the spans of a process and of its threads, as lines of the file that SPANS names; a line that says so when they were to be handed on.
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { registerTracing } from './tracing.ts';

const file = process.env['SPANS'] ?? '';
const write = (line: object) => appendFileSync(file, `${JSON.stringify(line)}\n`);
write({ name: 'loaded', inThread: !isMainThread });
registerTracing({ ended: write, flushed: () => write({ name: 'flushed' }) });
