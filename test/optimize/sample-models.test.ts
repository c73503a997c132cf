// The variants of this repository's own models: what is committed is what is made, passes its gate, and reads.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { detect } from '../../functions/ocr/detect.ts';
import { metric, samples } from '../../models/ppocr-rec/samples.ts';
import { samples as frames } from '../../models/silero-vad/samples.ts';
import { lossOf } from '../../src/core/gate.ts';
import { assess } from '../../src/optimize/assess.ts';
import { openBytes } from '../../src/optimize/open-bytes.ts';
import type { Sample } from '../../src/optimize/sample.ts';
import { polygonIou, type Quad } from '../../src/process/index.ts';
import { buildVersion } from '../../src/release/build-version.ts';
import { checkGate } from '../../src/release/check-gate.ts';
import { loadDefinitions } from '../../src/release/load-definitions.ts';
import { locateSource } from '../../src/release/sources.ts';
import type { Tensor, Tensors } from '../../src/tensor/tensor.ts';
import { root } from '../root.ts';
import { long } from '../runs.ts';

const gated = (await loadDefinitions(root)).filter(({ gate }) => gate !== undefined);

describe('the variants of this repository', () => {
  it.each(gated.map((definition) => [definition.name, definition] as const))(
    '%s: the bytes that its recipes make were measured, and pass',
    async (_name, definition) => {
      await checkGate(definition, (await buildVersion(definition, root)).modelDigests, root);
    },
  );

  it('ppocr-rec: read rendered lines as FP32 does', async () => {
    const variants = Object.entries(gated.find(({ name }) => name === 'ppocr-rec')?.variants ?? {});
    const lines: Sample[] = [];
    // Another seed than the one that ranges were taken from.
    for await (const line of samples(long ? 250 : 24, 77)) lines.push(line);
    await using stack = new AsyncDisposableStack();
    const sessions = [];
    for (const [, { files }] of variants)
      sessions.push(stack.use(await openBytes(await readFile(await locateSource(files['model.onnx'], root)), 2)));
    const [reference, ...others] = sessions;
    const figures = await assess(reference!, others, lines, metric);
    const off = figures.map((one, at) => ({
      name: variants[at + 1]![0],
      cer: one.metric!.value,
      reference: one.metric!.reference,
      loss: lossOf(one.metric!),
    }));
    console.log(
      `${lines.length} lines: FP32 ${(100 * (off[0]?.reference ?? 0)).toFixed(2)} % character errors, ${off.map(({ name, cer }) => `${name} ${(100 * cer).toFixed(2)} %`).join(', ')}`,
    );
    // A machine without fonts draws boxes, which nobody reads: what is compared is then that nothing is made up.
    expect(off.length).toBeGreaterThan(0);
    for (const { loss } of off) expect(loss).toBeLessThan(long ? 0.01 : 0.03);
  }, 60_000);

  it('silero-vad: hears what FP32 hears, each with what it remembers itself', async () => {
    const variants = Object.values(gated.find(({ name }) => name === 'silero-vad')?.variants ?? {});
    const heard: boolean[][] = [];
    for (const { files } of variants) {
      await using session = await openBytes(await readFile(await locateSource(files['model.onnx'], root)), 1);
      const decisions: boolean[] = [];
      let state: Tensor | undefined;
      for await (const { feeds } of frames()) {
        const { output, stateN } = await session.run(state ? { ...feeds, state } : feeds);
        decisions.push(Number(output?.data[0]) >= 0.5);
        state = stateN;
      }
      heard.push(decisions);
    }
    const [reference = [], ...others] = heard;
    const spoken = reference.filter(Boolean).length;
    expect(spoken).toBeGreaterThan(reference.length / 10);
    for (const one of others) {
      const other = one.filter((is, at) => is !== reference[at]).length;
      console.log(`${reference.length} frames, ${spoken} of speech: ${other} heard otherwise`);
      expect(other / reference.length).toBeLessThan(0.01);
    }
  }, 60_000);

  it('ppocr-det: finds each line of the OCR function’s own page that FP32 finds', async () => {
    const { data, info } = await sharp(join(root, 'functions/ocr/request.png'))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const places: Quad[][] = [];
    for (const { files } of Object.values(gated.find(({ name }) => name === 'ppocr-det')?.variants ?? {})) {
      await using session = await openBytes(await readFile(await locateSource(files['model.onnx'], root)), 1);
      const det = { run: async (feeds: Tensors) => await session.run(feeds) };
      places.push(await detect({ width: info.width, height: info.height, channels: 3, data }, det as never));
    }
    const [reference = [], ...others] = places;
    expect(reference.length).toBe(11);
    for (const found of others)
      for (const line of reference) expect(Math.max(...found.map((one) => polygonIou(one, line)))).toBeGreaterThan(0.5);
  }, 60_000);
});
