// FP16 beside onnxconverter-common's (Python), on the same models and samples: size, and how far the answers go.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type OnnxModel, readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { float16 } from '../../src/optimize/float16/float16.ts';
import { fuse } from '../../src/optimize/graph/fuse.ts';
import { difference } from '../../src/tensor/difference.ts';
import type { Tensors } from '../../src/tensor/tensor.ts';
import { modelOf, realModels } from '../optimize/real-models.ts';
import { runModel } from '../optimize/run-model.ts';
import { argmax, lines } from '../optimize/task-samples.ts';
import { pythonPeer } from './installed.ts';

const peer = await pythonPeer('onnxconverter-common', '1.16.0');
const script = `import sys, onnx
from onnxconverter_common import float16
onnx.save(float16.convert_float_to_float16(onnx.load(sys.argv[1]), keep_io_types=True), sys.argv[2])`;

const LINES = 100;

if ('missing' in peer) {
  it.skip(`onnxconverter-common: ${peer.missing}`, () => {});
} else {
  describe('float16 beside onnxconverter-common', () => {
    it.each(realModels)('$name: not larger', { timeout: 300_000 }, async (real) => {
      const theirs = convert(peer.path, real.bytes);
      const mine = writeModel(float16(fuse(modelOf(real)), { compute: 'half' }));
      const far = async (model: OnnxModel) =>
        worst(await runModel(modelOf(real), real.feeds), await runModel(model, real.feeds));
      const reference = theirs ? await far(theirs.model).catch((error: Error) => error.message) : 'not converted';
      console.log(
        `${real.name}: size ${ratio(mine.length, real)} against ${theirs ? ratio(theirs.size, real) : 'none'}, ` +
          `worst difference ${await far(readModel(mine))} against ${reference}`,
      );
      if (theirs) expect(mine.length).toBeLessThanOrEqual(theirs.size);
    });

    it(`rec reads ${LINES} lines as FP32 does, as often as the reference's`, { timeout: 600_000 }, async () => {
      const real = realModels.find(({ name }) => name === 'rec')!;
      const theirs = convert(peer.path, real.bytes);
      const samples = await lines(LINES);
      const before = await runModel(modelOf(real), samples);
      const fused = fuse(modelOf(real));
      const agree = async (model: OnnxModel) => agreement(before, await runModel(model, samples));
      const shares = {
        half: await agree(float16(fused, { compute: 'half' })),
        single: await agree(float16(fused)),
        reference: theirs ? await agree(theirs.model) : 0,
      };
      console.log(`rec, argmax agreement over ${LINES} lines: ${JSON.stringify(shares)}`);
      expect(shares.half).toBeGreaterThanOrEqual(shares.reference - 0.001);
      expect(shares.single).toBeGreaterThanOrEqual(0.999);
    });
  });
}

function ratio(size: number, { bytes }: { bytes: Uint8Array }): string {
  return (size / bytes.length).toFixed(4);
}

function convert(python: string, bytes: Uint8Array): { model: OnnxModel; size: number } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'glowplug-float16-'));
  try {
    const [from, to] = [join(folder, 'from.onnx'), join(folder, 'to.onnx')];
    writeFileSync(from, bytes);
    execFileSync(python, ['-c', script, from, to], { stdio: ['ignore', 'ignore', 'pipe'] });
    const converted = readFileSync(to);
    return { model: readModel(converted), size: converted.length };
  } catch (error) {
    console.log(`onnxconverter-common: ${(error as { stderr?: Buffer }).stderr?.toString().trim().split('\n').at(-1)}`);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function worst(before: readonly Tensors[], after: readonly Tensors[]): number {
  return Math.max(...before.map((one, at) => difference(one, after[at]!).most));
}

function agreement(before: readonly Tensors[], after: readonly Tensors[]): number {
  const steps = (outputs: Tensors) => argmax(outputs['softmax_11.tmp_0']!.data as Float32Array, 6625);
  const same = before.flatMap((one, at) => {
    const other = steps(after[at]!);
    return steps(one).map((step, index) => step === other[index]);
  });
  return same.filter((one) => one).length / same.length;
}
