// What a transform will cost, said before it begins; whoever sits at a terminal is asked.
import { estimateCosts } from '../observe/cost.ts';
import { prices } from '../observe/prices.ts';
import type { Ahead } from '../transform/transform.ts';
import { printProgress } from './print.ts';

export interface ForecastOptions {
  /** Declared milliseconds of a request; without it the first objects tell. */
  readonly ms?: number;
  /** MB of the function on Lambda. */
  readonly memory: number;
  readonly yes?: boolean;
}

/** Whether the rest is to be sent. */
export async function agreed(ahead: Ahead, { ms, memory, yes }: ForecastOptions): Promise<boolean> {
  const each = ms ?? (await ahead.measure());
  if (each === undefined)
    printProgress(`${ahead.objects} objects: the first had no answer, so what they cost is not known`);
  else printProgress(forecast(ahead.objects, each, memory, ms === undefined ? 'measured on the first' : 'declared'));
  if (yes || !process.stdin.isTTY) return true;
  const { confirm } = await import('@clack/prompts');
  return (await confirm({ message: 'Send them?' })) === true;
}

export function forecast(objects: number, ms: number, memoryMb: number, how: string): string {
  const size = { name: 'transform', architecture: 'x86_64', memoryMb } as const;
  const traffic = { requestsPerMonth: objects, ms, coldMs: 0, coldShare: 0, peakPerSecond: 0, gpuMs: ms };
  const lambda = estimateCosts(size, traffic, prices).find(({ host }) => host === 'lambda')!.dollars;
  const dollars = lambda < 0.01 ? 'less than $0.01' : `$${lambda.toFixed(2)}`;
  const count = objects.toLocaleString('en-US');
  return `${count} objects × ${figure(ms)} ms (${how}): ${dollars} on Lambda with ${memoryMb} MB (${prices.region}, ${prices.asOf}; requests to S3 not counted)`;
}

function figure(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : ms.toFixed(0);
}
