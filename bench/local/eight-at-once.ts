// What does a request cost while eight are under way? Each client asks for the next when it has its answer.
import type { LocalCloud } from 'glowplug/testing';
import type { Sample } from '../../src/testing/samples.ts';
import { atMost, type Result } from '../measure.ts';

const clients = 8;
const perClient = 100;

/** The handler's own time is not taken off: what is left would be less. */
export async function eightAtOnce(cloud: LocalCloud, sample: Sample): Promise<Result[]> {
  const iris = cloud.function('iris');
  const request = { method: 'POST', headers: { 'content-type': sample.contentType }, body: sample.body };
  const times: number[] = [];
  const client = async (runs: number, keep: boolean) => {
    for (let run = 0; run < runs; run++) {
      const start = performance.now();
      const response = await iris.fetch('/', request);
      if (response.status !== 200) throw new Error(`iris answered ${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
      if (keep) times.push(performance.now() - start);
    }
  };
  const all = (runs: number, keep: boolean) => Promise.all(Array.from({ length: clients }, () => client(runs, keep)));
  await all(20, false);
  await all(perClient, true);
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * times.length)] ?? Number.NaN;
  const figure = { case: `${clients} requests at once through a function URL`, unit: 'ms', runs: times.length };
  return [
    atMost({ ...figure, metric: 'p50, handler included', value: at(0.5), reach: 2 }),
    atMost({ ...figure, metric: 'p99, handler included', value: at(0.99), reach: 8 }),
  ];
}
