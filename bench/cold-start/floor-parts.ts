// Measured alone, in a process of its own: loading onnxruntime, making the sessions from their graphs with the weights on
// disk, and the first run. One line of JSON on standard output.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { values, type Wanted } from './functions/models.ts';

const [folder = '', layer = '', text = '[]'] = process.argv.slice(2);
const models: Wanted[] = JSON.parse(text);

const started = performance.now();
const inLayer = createRequire(join(layer, 'nodejs/node_modules/any.js'));
const ort: typeof import('onnxruntime-node') = inLayer('onnxruntime-node');
const loaded = performance.now();
const sessions: InferenceSession[] = [];
for (const { name } of models) {
  sessions.push(
    await ort.InferenceSession.create(join(folder, name, 'model.onnx'), {
      intraOpNumThreads: 1,
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 3,
      extra: { session: { disable_prepacking: '1', intra_op: { allow_spinning: '0' } } },
    }),
  );
}
const made = performance.now();
for (const [index, { shape }] of models.entries()) {
  await sessions[index]?.run({ x: new ort.Tensor('float32', values(shape), shape) });
}
const ran = performance.now();
console.log(JSON.stringify({ runtimeMs: loaded - started, createMs: made - loaded, runMs: ran - made }));
