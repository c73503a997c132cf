// Threads of one run, from the share of CPU that the host gives.
import { availableParallelism } from 'node:os';

/** Lambda gives one vCPU for each 1,769 MB (AWS Lambda developer guide, "Configure memory"). */
const MB_PER_VCPU = 1769;

/** onnxruntime's own default counts the host's cores, not the share: on Lambda its threads would fight for one vCPU. */
export function threadsFor(memoryMb: number | undefined, cores = availableParallelism()): number {
  if (memoryMb === undefined) return cores;
  return Math.max(1, Math.min(cores, Math.round(memoryMb / MB_PER_VCPU)));
}
