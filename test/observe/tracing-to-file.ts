// For NODE_OPTIONS=--import: the spans of a process and of its threads, as lines of the file that SPANS names; a line that says so when they were to be handed on.
import { appendFileSync } from 'node:fs';
import { registerTracing } from './tracing.ts';

const file = process.env['SPANS'] ?? '';
const write = (line: object) => appendFileSync(file, `${JSON.stringify(line)}\n`);
registerTracing({ ended: write, flushed: () => write({ name: 'flushed' }) });
