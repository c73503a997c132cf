// How long until the local cloud is ready when everything was built before, and until an edited function answers?
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLocalCloud } from 'glowplug/testing';
import type { Sample } from '../../src/testing/samples.ts';
import { atMost, type Result, round, sample as spread } from '../measure.ts';

const runs = 5;

/** In a folder that stays between the starts, as `glowplug dev` has it; iris's source is put back in the end. */
export async function startAndReload(root: string, iris: Sample): Promise<Result[]> {
  const folder = join(root, '.glowplug', 'bench-cloud');
  const starts: number[] = [];
  const reloads: number[] = [];
  const answers: number[] = [];
  try {
    await (await startLocalCloud({ root, folder }))[Symbol.asyncDispose]();
    for (let run = 0; run < runs; run++) {
      const start = performance.now();
      await using _cloud = await startLocalCloud({ root, folder });
      starts.push(performance.now() - start);
    }
    await using cloud = await startLocalCloud({ root, folder });
    const file = join(root, 'functions', 'iris', 'function.ts');
    const source = await readFile(file, 'utf8');
    try {
      for (let run = 0; run < runs; run++) {
        const edited = source.replace('return {\n', `return {\n      edition: ${run},\n`);
        if (edited === source) throw new Error('functions/iris/function.ts has no answer to edit');
        await writeFile(file, edited);
        const start = performance.now();
        await cloud.reload();
        reloads.push(performance.now() - start);
        const headers = { 'content-type': iris.contentType };
        const response = await cloud.function('iris').fetch('/', { method: 'POST', headers, body: iris.body });
        const text = await response.text();
        if (!text.includes(`"edition":${run}`)) throw new Error(`after the reload, iris answered ${text}`);
        answers.push(performance.now() - start);
      }
    } finally {
      await writeFile(file, source);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return [
    atMost({
      case: 'start to ready, artefacts built',
      metric: 'p50',
      value: spread(starts).median / 1000,
      unit: 's',
      reach: 1.5,
      runs,
    }),
    atMost({
      case: 'a function was edited',
      metric: `p50 until the new version answers, of it ${round(spread(reloads).median / 1000)} s reload`,
      value: spread(answers).median / 1000,
      unit: 's',
      reach: 1,
      runs,
    }),
  ];
}
