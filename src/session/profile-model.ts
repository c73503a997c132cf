// onnxruntime's own profiler over a few runs of a model: where, inside of it, the time goes.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from '../core/is-record.ts';
import type { Tensors } from '../tensor/tensor.ts';
import { createOrtSession } from './ort.ts';
import { threadsFor } from './threads.ts';

export interface ModelProfile {
  /** Milliseconds of one run. */
  readonly ms: number;
  /** Of one run; the longest first. */
  readonly operators: readonly { readonly operator: string; readonly ms: number; readonly count: number }[];
  /** As onnxruntime wrote it: for chrome://tracing and ui.perfetto.dev. */
  readonly trace: string;
}

const runs = 5;

/** `folder`: empty, for what the profiler writes. */
export async function profileModel(modelPath: string, folder: string, feedsOf: () => Tensors): Promise<ModelProfile> {
  {
    await using session = await createOrtSession(modelPath, {
      threads: threadsFor(undefined),
      profile: join(folder, 'profile'),
    });
    // The first run makes what the others find.
    for (let run = 0; run <= runs; run++) await session.run(feedsOf());
  }
  const [name = ''] = await readdir(folder);
  const trace = await readFile(join(folder, name), 'utf8');
  return { ...summary(JSON.parse(trace)), trace };
}

/** Without the first run. */
function summary(events: unknown): Pick<ModelProfile, 'ms' | 'operators'> {
  const all = (Array.isArray(events) ? events.filter(isRecord) : []).map(({ cat, name, ts, dur, args }) => ({
    cat: String(cat),
    name: String(name),
    ts: Number(ts),
    ms: Number(dur) / 1000,
    operator: isRecord(args) ? String(args['op_name']) : '',
  }));
  const whole = all.filter(({ name }) => name === 'model_run').sort((a, b) => a.ts - b.ts);
  const counted = whole.slice(1);
  const from = counted[0]?.ts ?? Number.POSITIVE_INFINITY;
  const nodes = all.filter(({ cat, name, ts }) => cat === 'Node' && name.endsWith('_kernel_time') && ts >= from);
  const operators = [...Map.groupBy(nodes, ({ operator }) => operator)].map(([operator, own]) => ({
    operator,
    ms: own.reduce((sum, { ms }) => sum + ms, 0) / counted.length,
    count: own.length / counted.length,
  }));
  return {
    ms: counted.reduce((sum, { ms }) => sum + ms, 0) / counted.length,
    operators: operators.sort((a, b) => b.ms - a.ms),
  };
}
