// Clients that each send their next request when they have the answer to the last.
import type { Session } from '../../src/session/session.ts';
import type { Tensors } from '../../src/tensor/tensor.ts';
import { sample } from '../measure.ts';

export interface Load {
  readonly perSecond: number;
  readonly p95: number;
}

/** Counts what was answered within `ms`; whoever is in a run then is waited for, and not counted. */
export async function load(session: Session, feeds: readonly Tensors[], clients: number, ms: number): Promise<Load> {
  const latencies: number[] = [];
  const start = performance.now();
  let next = 0;
  const client = async () => {
    for (;;) {
      const sent = performance.now();
      await session.run(feeds[next++ % feeds.length]!);
      const now = performance.now();
      if (now - start > ms) return;
      latencies.push(now - sent);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const sorted = latencies.sort((a, b) => a - b);
  return { perSecond: latencies.length / (ms / 1000), p95: sorted[Math.floor(0.95 * sorted.length)] ?? Number.NaN };
}

/** Each contestant in turn, `rounds` times: the median of each figure. */
export async function rounds<N extends string>(
  contestants: Readonly<Record<N, Session>>,
  run: (session: Session) => Promise<Load>,
  count: number,
): Promise<Record<N, Load> & { ratios(over: N, under: N): { median: number; p10: number; p90: number } }> {
  const loads = new Map<string, Load[]>();
  const entries = Object.entries<Session>(contestants);
  for (let round = 0; round < count; round++) {
    for (const [name, session] of entries) {
      const all = loads.get(name) ?? [];
      loads.set(name, [...all, await run(session)]);
    }
  }
  const medians = [...loads].map(([name, all]) => {
    const median = (of: (one: Load) => number) => sample(all.map(of)).median;
    return [name, { perSecond: median((one) => one.perSecond), p95: median((one) => one.p95) }];
  });
  // Built from the entries of `contestants`: the names are N.
  return Object.assign(Object.fromEntries(medians) as Record<N, Load>, {
    /** Round by round, so that a busy machine slows both sides of a ratio. */
    ratios(over: N, under: N) {
      const [above, below] = [loads.get(over) ?? [], loads.get(under) ?? []];
      return sample(above.map(({ perSecond }, at) => perSecond / below[at]!.perSecond));
    },
  });
}
