import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectCommand } from '../../src/cli/inspect.ts';
import { sampleBytes, sampleModels } from '../onnx/sample-models.ts';
import { bytesOf, tinyGraph, value } from '../onnx/tiny-model.ts';
import { runCommand } from './run-command.ts';

describe('glowplug inspect', () => {
  it('shows a model at a glance', async () => {
    const { exitCode, stdout } = await runCommand(inspectCommand(), sampleModels['iris']!);
    expect(
      stdout.replace(/\(\d+ ms\)/, '(… ms)'),
    ).toBe(`iris.onnx  608 B · IR 7 · opset ai.onnx 13 · by glowplug models/iris/train.ts

inputs    x              FP32   [N, 4]
outputs   class          INT64  [N]
          probabilities  FP32   [N, 3]

weights   23 parameters, 92 B

operators ArgMax   1  ${'█'.repeat(30)}
          Div      1  ${'█'.repeat(30)}
          Gemm     1  ${'█'.repeat(30)}
          Softmax  1  ${'█'.repeat(30)}
          Sub      1  ${'█'.repeat(30)}

✓ onnxruntime makes a session of it (… ms)
`);
    expect(exitCode).toBe(0);
  });

  it('draws the twelve most frequent operators and sums up the rest', async () => {
    const { stdout } = await runCommand(inspectCommand(), '--no-session', sampleModels['rec']!);
    expect(stdout).toContain(
      `operators Constant    325  ${'█'.repeat(30)}\n          Add         107  ${'█'.repeat(10)}\n`,
    );
    expect(stdout).toContain('and 13 more kinds, 55 in all');
    expect(stdout).toContain('nothing in the file stands against running it; no session was tried');
  });

  it('--json gives the whole inspection and what came of the session', async () => {
    const { stdout } = await runCommand(inspectCommand(), '--json', sampleModels['iris']!);
    expect(JSON.parse(stdout)).toMatchObject({
      opsets: { 'ai.onnx': 13 },
      signature: { inputs: { x: { datatype: 'FP32', shape: ['N', 4] } } },
      session: { ok: true, ms: expect.any(Number) },
    });
  });

  it('says what the file shows will not run, adds onnxruntime’s own reason, and ends with 1', async () => {
    const model = {
      ...tinyGraph({ node: [{ opType: 'Sparkle', domain: 'com.acme', input: ['x'], output: ['y'] }] }),
      opsetImport: [
        { domain: '', version: 17n },
        { domain: 'com.acme', version: 1n },
      ],
    };
    await using file = await modelFile(bytesOf(model));
    const { exitCode, stdout } = await runCommand(inspectCommand(), file.path);
    expect(stdout).toContain(
      '✗ will not run: operator "com.acme.Sparkle": onnxruntime 1.30 has no operators of this domain',
    );
    expect(stdout).toMatch(
      /✗ expected a model that onnxruntime can run: .*com\.acme:Sparkle.*\n {2}Export it .*\(MODEL_UNSUPPORTED\)/,
    );
    expect(exitCode).toBe(1);
  });

  it('finds by the session what the file alone cannot show: an operator unknown to a known domain', async () => {
    await using file = await modelFile(
      bytesOf(tinyGraph({ node: [{ opType: 'Sparkle', input: ['x'], output: ['y'] }] })),
    );
    const { exitCode, stdout } = await runCommand(inspectCommand(), '--json', file.path);
    expect(JSON.parse(stdout)).toMatchObject({
      willNotRun: [],
      session: { ok: false, error: { code: 'MODEL_UNSUPPORTED', message: expect.stringContaining('Sparkle') } },
    });
    expect(exitCode).toBe(1);
  });

  const again = 'Give the whole .onnx file: copy or export it again. (MODEL_INVALID)';
  it.each<[string, Uint8Array, string, string]>([
    ['cut off', sampleBytes('cls').subarray(0, 1000), 'the file is cut off, or is not ONNX', again],
    ['empty', new Uint8Array(), 'expected an ONNX model, got an empty file', again],
    ['JSON', Buffer.from('{}'), 'expected an ONNX model, got JSON', 'glowplug convert makes one'],
  ])(
    'prints message and remedy for a file that is %s, no stack trace, and ends with 1',
    async (_what, bytes, message, remedy) => {
      await using file = await modelFile(bytes);
      const { exitCode, stdout, stderr } = await runCommand(inspectCommand(), file.path);
      expect(stderr).toContain(message);
      expect(stderr).toContain(remedy);
      expect(stderr).not.toContain('    at ');
      expect(stdout).toBe('');
      expect(exitCode).toBe(1);
    },
  );

  it('says that there is no file, or that it is a folder', async () => {
    const absent = await runCommand(inspectCommand(), 'no/such.onnx');
    expect(absent.stderr).toContain('expected a file at no/such.onnx, found nothing');
    expect(absent.exitCode).toBe(1);
    expect((await runCommand(inspectCommand(), 'src')).stderr).toContain('found a folder');
  });

  it('ends with 2 and says how it is used when the model is not named', () => {
    const { status, stderr } = spawnSync(process.execPath, [...process.execArgv, 'src/cli/main.ts', 'inspect'], {
      encoding: 'utf8',
    });
    expect(stderr).toContain("missing required argument 'model'");
    expect(status).toBe(2);
  });

  it('lets no name in a file command the terminal', async () => {
    const name = 'x\u001b[2J\u009b31m';
    await using file = await modelFile(
      bytesOf(tinyGraph({ input: [value(name, [1])], output: [value('y', [1])], node: [] })),
    );
    const { stdout } = await runCommand(inspectCommand(), '--no-session', file.path);
    expect(stdout).toContain('x�[2J�31m');
    expect(stdout).not.toContain('\u001b');
    expect(stdout).not.toContain('\u009b');
  });
});

async function modelFile(bytes: Uint8Array): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-inspect-'));
  const path = join(folder, 'model.onnx');
  await writeFile(path, bytes);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
