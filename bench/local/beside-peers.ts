// The same handler in the local cloud, serverless-offline and lambda-local, each in turn: how long it takes, and which of Lambda's
// rules hold. Installing the others takes a network, so they are asked for: GLOWPLUG_BENCH_PEERS=1.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Result, round, sample } from '../measure.ts';
import { contestants, installContestants, type Running } from './contestants.ts';

const rounds = 3;
const warm = 200;

type Kept = 'yes' | 'no' | 'unknown';

const behaviours: Readonly<Record<string, (running: Running) => Promise<Kept>>> = {
  'timers frozen between invocations': async ({ ask }) => {
    const first = ticksIn((await ask('ticks')).text);
    await sleep(600);
    const second = ticksIn((await ask('ticks')).text);
    if (!first || !second || first.loaded !== second.loaded) return 'unknown';
    return second.ticks - first.ticks < 30 ? 'yes' : 'no';
  },
  'SigV4 checked': async ({ unsigned }) => ((await unsigned()) === 403 ? 'yes' : 'no'),
  'response over 6 MB refused': async ({ ask }) =>
    refused((await ask('too large')).text, (text) => text.length > 6_000_000),
  'memory limit': async ({ ask }) => refused((await ask('allocate')).text, (text) => text.includes('bytes')),
  'time limit of 3 s': async ({ ask }) => {
    const start = performance.now();
    const { text } = await ask('hang');
    const ms = performance.now() - start;
    if (ms < 2_500) return 'unknown';
    return ms < 6_000 && !isOk(text) ? 'yes' : 'no';
  },
};

/** An answer of the plain kind says that the handler never heard what to do. */
function refused(text: string, wentThrough: (text: string) => boolean): Kept {
  if (isOk(text)) return 'unknown';
  return wentThrough(text) ? 'no' : 'yes';
}

const isOk = (text: string) => /ok\\?": ?true/.test(text);

export async function besidePeers(): Promise<Result[]> {
  if (process.env['GLOWPLUG_BENCH_PEERS'] !== '1') return [];
  installContestants();
  const names = Object.keys(contestants);
  const none = (): Record<'start' | 'first' | 'warm', number[]> => ({ start: [], first: [], warm: [] });
  const times = new Map(names.map((name) => [name, none()]));
  for (let run = 0; run < rounds; run++) {
    for (const [name, start] of Object.entries(contestants)) {
      const began = performance.now();
      await using running = await start();
      const up = performance.now();
      await answered(running);
      const of = times.get(name);
      of?.start.push(up - began);
      of?.first.push(performance.now() - up);
      for (let i = -20; i < warm; i++) {
        const asked = performance.now();
        await answered(running);
        if (i >= 0) of?.warm.push(performance.now() - asked);
      }
    }
  }
  const kept = await behavioursKept();
  return names.flatMap((name) => {
    const figure = { case: `a plain handler in ${name}`, unit: 'ms' };
    const of = times.get(name) ?? none();
    const p50 = (list: readonly number[]) => round(sample(list).median);
    return [
      { ...figure, metric: 'p50 from start to listening', value: p50(of.start), runs: rounds },
      { ...figure, metric: 'p50 of the first answer', value: p50(of.first), runs: rounds },
      { ...figure, metric: 'p50 of a warm answer', value: p50(of.warm), runs: rounds * warm },
      ...Object.entries(kept[name] ?? {}).map(([behaviour, value]) => ({
        ...figure,
        metric: `keeps: ${behaviour}: ${value}`,
        value: value === 'yes' ? 1 : 0,
        unit: '',
        runs: 1,
      })),
    ];
  });
}

/** Each in an instance of its own: a handler that hangs or was killed says nothing about the next behaviour. */
async function behavioursKept(): Promise<Record<string, Record<string, Kept>>> {
  const kept: Record<string, Record<string, Kept>> = {};
  for (const [name, start] of Object.entries(contestants)) {
    const of: Record<string, Kept> = {};
    kept[name] = of;
    for (const [behaviour, measure] of Object.entries(behaviours)) {
      await using running = await start();
      await answered(running);
      of[behaviour] = await measure(running).catch(() => 'unknown' as const);
    }
  }
  return kept;
}

async function answered({ ask }: Running): Promise<void> {
  const { status, text } = await ask();
  if (status !== 200 || !isOk(text)) throw new Error(`it answered ${status}: ${text.slice(0, 200)}`);
}

function ticksIn(text: string): { ticks: number; loaded: string } | undefined {
  const plain = text.replaceAll('\\', '');
  const [, ticks] = /"ticks": ?(\d+)/.exec(plain) ?? [];
  const [, loaded] = /"loaded": ?([\d.e-]+)/.exec(plain) ?? [];
  return ticks && loaded ? { ticks: Number(ticks), loaded } : undefined;
}
