// Building an engine without a GPU: what trtexec is asked, and what is said where it is not there or fails.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { convertCommand } from '../../src/cli/convert.ts';
import type { Signature } from '../../src/core/signature.ts';
import { parseModelInput } from '../../src/release/convert/model-input.ts';
import type { Run } from '../../src/release/convert/python-environment.ts';
import { buildEngine } from '../../src/release/convert/tensorrt-engine.ts';
import { runCommand } from '../cli/run-command.ts';
import { sampleModels } from '../onnx/sample-models.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glowplug-engine-test-'));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

const fixed: Signature = { inputs: { x: { datatype: 'FP32', shape: [1, 4] } }, outputs: {} };
const free: Signature = { inputs: { x: { datatype: 'FP32', shape: ['N', 3, 'W'] } }, outputs: {} };
const absent = () => Object.assign(new Error('spawn trtexec ENOENT'), { code: 'ENOENT' });

/** A trtexec at this place alone. */
function fake(place: string, calls: string[][] = []): Run {
  return async (program, args) => {
    if (program !== place) throw absent();
    calls.push([...args]);
    await writeFile(args.find((one) => one.startsWith('--saveEngine='))!.slice('--saveEngine='.length), 'engine');
    return '&&&& RUNNING TensorRT.trtexec [TensorRT v101300] # trtexec\n&&&& PASSED';
  };
}

const build = (signature: Signature, inputs: readonly string[], run: Run) =>
  buildEngine({
    model: 'm.onnx',
    signature,
    target: join(folder, 'm.engine'),
    inputs: inputs.map(parseModelInput),
    run,
  });

describe('an engine', () => {
  it.each(['trtexec', '/usr/src/tensorrt/bin/trtexec'])('is built by %s', async (place) => {
    const calls: string[][] = [];
    expect(await build(fixed, [], fake(place, calls))).toEqual({ bytes: 6, tensorrt: '101300' });
    expect(calls).toEqual([['--onnx=m.onnx', `--saveEngine=${join(folder, 'm.engine')}`, '--skipInference']]);
  });

  it('takes free lengths from 1 to those that were given', async () => {
    const calls: string[][] = [];
    await build(free, ['x:float32[N=8,3,W=320]'], fake('trtexec', calls));
    expect(calls[0]?.slice(3)).toEqual(['--minShapes=x:1x3x1', '--optShapes=x:8x3x320', '--maxShapes=x:8x3x320']);
  });

  it.each([[[]], [['x:float32[8,3]']], [['x:float32[8,4,320]']], [['y:float32[8,3,320]']]])(
    'is refused for free lengths and %j',
    async (inputs) => {
      await expect(build(free, inputs, fake('trtexec'))).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: 'expected lengths for x[N,3,W]',
        remedy: expect.stringContaining("--input 'x:float32[8,3,8]'"),
      });
    },
  );

  it('names what TensorRT does not take, and what runs it all the same', async () => {
    const stderr =
      '[11/25/2026-07:00:00] [I] Start\n[11/25/2026-07:00:00] [E] [TRT] no importer for op: Wonder\n[11/25/2026-07:00:00] [E] failed';
    const run: Run = async () => {
      throw Object.assign(new Error('exit 1'), { code: 1, stderr });
    };
    await expect(build(fixed, [], run)).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: 'TensorRT did not build an engine: [TRT] no importer for op: Wonder',
      remedy: expect.stringContaining('--provider cuda'),
    });
  });

  it('says what is missing where there is no trtexec', async () => {
    await expect(build(fixed, [], fake('nowhere'))).rejects.toMatchObject({
      code: 'DEPENDENCY_MISSING',
      remedy: expect.stringContaining('libnvinfer-bin'),
    });
  });

  it('is one of an .onnx file', async () => {
    const { exitCode, stderr } = await runCommand(convertCommand(), 'net.pt', '--tensorrt', join(folder, 'm.engine'));
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('--tensorrt: expected an .onnx file, got net.pt')]);
    const other = await runCommand(convertCommand(), sampleModels['rec']!, '--tensorrt', join(folder, 'm.engine'));
    expect(other.stderr).toContain('expected lengths for x[');
  });
});
