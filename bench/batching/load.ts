// Clients that each send their next request when they have the answer to the last.
import type { Session } from '../../src/session/session.ts';
import type { Tensors } from '../../src/tensor/tensor.ts';
import { type Sample, sample } from '../measure.ts';

export interface Load {
  readonly perSecond: number;
  readonly p95: number;
  /** Of all threads of this process: what a busy neighbour cannot stretch as it does the clock. */
  readonly cpuMsPerRow: number;
}

/** `count` requests of one row by `clients` at once, from the first question to the last answer. */
export async function load(session: Session, feeds: readonly Tensors[], clients: number, count: number): Promise<Load> {
  const latencies: number[] = [];
  let next = 0;
  const client = async () => {
    while (next < count) {
      const feed = feeds[next++ % feeds.length]!;
      const sent = performance.now();
      await session.run(feed);
      latencies.push(performance.now() - sent);
    }
  };
  const start = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: clients }, client));
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const sorted = latencies.sort((a, b) => a - b);
  return {
    perSecond: count / (ms / 1000),
    p95: sorted[Math.floor(0.95 * sorted.length)] ?? Number.NaN,
    cpuMsPerRow: (user + system) / 1000 / count,
  };
}

/** Rows a second, one side over the other; `cpu` the same by CPU time. */
export interface Ratios {
  readonly wall: Sample;
  readonly cpu: number;
}

/** Each contestant in turn, `rounds` times: the median of each figure. */
export async function rounds<N extends string>(
  contestants: Readonly<Record<N, Session>>,
  run: (session: Session) => Promise<Load>,
  count: number,
): Promise<Record<N, Load> & { ratios(over: N, under: N): Ratios }> {
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
    return [
      name,
      {
        perSecond: median((one) => one.perSecond),
        p95: median((one) => one.p95),
        cpuMsPerRow: median((one) => one.cpuMsPerRow),
      },
    ];
  });
  // Built from the entries of `contestants`: the names are N.
  return Object.assign(Object.fromEntries(medians) as Record<N, Load>, {
    /** Round by round, so that a busy machine slows both sides of a ratio. */
    ratios(over: N, under: N) {
      const [above, below] = [loads.get(over) ?? [], loads.get(under) ?? []];
      return {
        wall: sample(above.map(({ perSecond }, at) => perSecond / below[at]!.perSecond)),
        cpu: sample(above.map(({ cpuMsPerRow }, at) => below[at]!.cpuMsPerRow / cpuMsPerRow)).median,
      };
    },
  });
}
