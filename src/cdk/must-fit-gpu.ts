// Whether a function's models fit into a GPU: said at synth, not when the first instance dies.
import type { FunctionBundle } from '../build/bundle-function.ts';
import { GlowplugError } from '../core/errors.ts';
import { type Gpu, gpus } from './gpus.ts';

/** @throws GlowplugError CONFIG_INVALID naming the model and a GPU that would do */
export function mustFitGpu(bundle: FunctionBundle, gpu: Gpu): void {
  const { gib } = gpus[gpu];
  for (const [reference, { files }] of Object.entries(bundle.lock.models)) {
    const bytes = Object.values(files).reduce((sum, { size }) => sum + size, 0);
    if (bytes <= (gib - gpuReserveGib) * 2 ** 30) continue;
    const larger = Object.entries(gpus).find(([, other]) => bytes <= (other.gib - gpuReserveGib) * 2 ** 30)?.[0];
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected ${reference} to fit into the ${gib} GiB of a ${gpu}, its files are ${(bytes / 2 ** 30).toFixed(1)} GiB`,
      { remedy: larger ? `Use gpu: '${larger}'.` : 'Use a smaller variant of the model.' },
    );
  }
}

/** MB (10⁶ bytes) of a GPU that models may take together. */
export function gpuMb(gpu: Gpu): number {
  return Math.floor(((gpus[gpu].gib - gpuReserveGib) * 2 ** 30) / 1e6);
}

/** What onnxruntime and CUDA take beside the weights. */
const gpuReserveGib = 2;
