// For NODE_OPTIONS=--import: the spans of a process and of its threads, as lines of the file that SPANS names.
import { appendFileSync } from 'node:fs';
import { registerTracing } from './tracing.ts';

const file = process.env['SPANS'] ?? '';
registerTracing({ ended: (span) => appendFileSync(file, `${JSON.stringify(span)}\n`) });
