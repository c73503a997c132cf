// Which processor this is, as far as it decides which of onnxruntime's kernels run.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Processor } from '../core/gate.ts';

/** INT8 kernels of x86-64 without VNNI saturate in between, those with it do not: the same model gives other numbers. */
const telling = [
  'avx2',
  'avx512f',
  'avx_vnni',
  'avx512_vnni',
  'amx_int8',
  'f16c',
  'asimddp',
  'i8mm',
  'sve',
  'bf16',
  'fphp',
];

export function thisProcessor(read: (path: string) => string = (path) => readFileSync(path, 'utf8')): Processor {
  const flags = new Set(flagsOf(read));
  return {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    model: cpus()[0]?.model.trim() || 'unknown',
    features: telling.filter((feature) => flags.has(feature)),
  };
}

/** Linux tells them; elsewhere the model's name has to do. */
function flagsOf(read: (path: string) => string): string[] {
  try {
    return (/^(?:flags|Features)\s*:(.*)$/m.exec(read('/proc/cpuinfo'))?.[1] ?? '').trim().split(/\s+/);
  } catch {
    return [];
  }
}
