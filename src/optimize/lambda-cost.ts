// What a million requests cost on Lambda at each memory size: memory buys processors, and both are billed by the millisecond.
import { threadsFor } from '../session/threads.ts';
import type { Measurement } from './measure/measure-variants.ts';

export interface SizePoint {
  readonly memoryMb: number;
  /** Estimated from this machine's processors: Lambda's are other ones. */
  readonly ms: number;
  /** Dollars for a million warm requests, the requests' own price included. */
  readonly perMillion: number;
}

/** One vCPU at 1,769 MB (AWS Lambda developer guide, "Configure memory"). */
const MB_PER_VCPU = 1769;
const sizes = [128, 256, 512, 768, 1024, 1280, 1536, 1769, 2304, 3008, 3538, 5307, 7076, 10240];
/** us-east-1, dollars: of a GB-second (first tier), and of a million requests. */
export const prices = { amd64: 0.0000166667, arm64: 0.0000133334, perMillionRequests: 0.2 } as const;
/** The function's own code and a request's buffers beside what was measured. */
const ROOM = 1.25;

/** The sizes that the variant fits into, one row a request. */
export function sweepMemory({ peakBytes, speeds }: Measurement, architecture: 'amd64' | 'arm64'): SizePoint[] {
  const single = speeds.filter(({ batch }) => batch === 1);
  return sizes.flatMap((memoryMb) => {
    if (memoryMb * 2 ** 20 < peakBytes * ROOM) return [];
    const share = memoryMb / MB_PER_VCPU;
    const threads = threadsFor(memoryMb, 64);
    const measured = single
      .filter((speed) => speed.threads <= threads)
      .reduce<(typeof single)[number] | undefined>((a, b) => (a && a.threads >= b.threads ? a : b), undefined);
    if (!measured) return [];
    // Threads that share less than a processor each take turns.
    const ms = measured.p50 * Math.max(1, measured.threads / share);
    const perMillion = Math.ceil(ms) * 1000 * (memoryMb / 1024) * prices[architecture] + prices.perMillionRequests;
    return [{ memoryMb, ms, perMillion }];
  });
}
