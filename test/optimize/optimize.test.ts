// From a model and samples to variants that are measured: whole, through the command line, on a small model.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { compareCommand, optimizeCommand } from '../../src/cli/optimize.ts';
import { stepProgress } from '../../src/cli/step-progress.ts';
import { sweepMemory } from '../../src/optimize/lambda-cost.ts';
import { measureVariants } from '../../src/optimize/measure/measure-variants.ts';
import { paretoFront, recommend, startsOf, type Variant } from '../../src/optimize/outcome.ts';
import { applyRecipe, parseRecipe } from '../../src/optimize/recipe.ts';
import { runCommand } from '../cli/run-command.ts';
import { handClock } from '../hand-clock.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { testApp } from '../release/app.ts';
import { perceptron, uniform } from './layers.ts';
import { npy } from './npy-files.ts';

/** A folder with the perceptron and 24 samples of it. */
async function workplace() {
  const folder = await temporaryFolder();
  const model = join(folder.path, 'mlp.onnx');
  await writeFile(model, perceptron().bytes);
  const samples = join(folder.path, 'samples');
  await mkdir(samples);
  for (let at = 0; at < 24; at++) {
    await writeFile(join(samples, `${String(at).padStart(2, '0')}.npy`), npy('<f4', [1, 32], uniform(at, 32)));
  }
  return { path: folder.path, model, samples, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

const quick = ['--threads', '1', '--rounds', '2'];

describe('glowplug optimize', () => {
  it('makes variants, proves and measures them, recommends one, and writes into its folder alone', async () => {
    await using place = await workplace();
    const temporaries = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('glowplug-optimize-'));
    const before = await temporaries();
    const { exitCode, stdout, stderr } = await runCommand(
      optimizeCommand(),
      place.model,
      '--samples',
      place.samples,
      ...quick,
      '--for',
      'size',
    );
    expect([exitCode, stderr.includes('✗')]).toEqual([0, false]);
    for (const name of ['fp32', 'fp16', 'int8-stored', 'int8-dynamic', 'int8'])
      expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
    expect(stdout).toMatch(/✓ for size: int8-\w+, /);
    expect(stdout).toMatch(/^accuracy on 12 samples of 24, which nothing was tuned on$/m);
    expect((await readdir(place.path)).sort()).toEqual(['mlp.onnx', 'mlp.variants', 'samples']);
    expect(await readdir(join(place.path, 'mlp.variants'))).toContain('int8.recipe.json');
    expect(Buffer.compare(await readFile(place.model), perceptron().bytes)).toBe(0);
    // Another test at the same time may have one open.
    expect((await temporaries()).filter((name) => !before.includes(name)).length).toBeLessThanOrEqual(2);
  }, 60_000);

  it('says that the samples it was tuned on are those of the figures, where they are too few to be parted', async () => {
    await using place = await workplace();
    for (let at = 5; at < 24; at++) await rm(join(place.samples, `${String(at).padStart(2, '0')}.npy`));
    const { stdout } = await runCommand(optimizeCommand(), place.model, '--samples', place.samples, ...quick);
    expect(stdout).toMatch(
      /^! accuracy on the 5 samples that variants were tuned on, too: give 12 or more, and they are parted$/m,
    );
  }, 60_000);

  it('--prune puts a variant with fewer channels beside the others, with what it costs', async () => {
    await using place = await workplace();
    const args = [place.model, '--samples', place.samples, ...quick, '--calibration', 'minmax', '--json'];
    const { stdout } = await runCommand(optimizeCommand(), ...args, '--prune', '0.25');
    const outcome = JSON.parse(stdout);
    const [fp32, pruned] = ['fp32', 'pruned'].map((name) => outcome.variants.find((one: Variant) => one.name === name));
    expect(pruned.how).toBe('12 of 48 channels removed; groups of layers left whole: 1; not trained anew');
    expect(pruned.measured.size).toBeLessThan(0.8 * fp32.measured.size);
    expect(pruned.figures.argmax).toBeLessThan(1);
    const recipe = await readFile(join(place.path, 'mlp.variants/pruned.recipe.json'), 'utf8');
    expect(parseRecipe(recipe, 'pruned')).toMatchObject({ layers: {}, prune: { share: 0.25 } });
    expect(applyRecipe(perceptron().bytes, parseRecipe(recipe, 'pruned')).length).toBe(pruned.measured.size);

    const none = JSON.parse((await runCommand(optimizeCommand(), ...args, '--prune', '0.01')).stdout);
    expect(none.skipped).toEqual([{ name: 'pruned', why: expect.stringMatching(/^no channel can go: .*y/) }]);
  }, 60_000);

  it('--json gives every figure, --report a page or a picture that loads nothing', async () => {
    await using place = await workplace();
    const page = join(place.path, 'report.html');
    const { stdout } = await runCommand(
      optimizeCommand(),
      place.model,
      '--samples',
      place.samples,
      ...quick,
      '--json',
      '--report',
      page,
      '--calibration',
      'minmax',
    );
    const outcome = JSON.parse(stdout);
    expect(outcome.gate).toEqual({ argmax: 0.99, cosine: 0.98 });
    expect(outcome.processor.architecture).toMatch(/^(amd64|arm64)$/);
    const int8 = outcome.variants.find(({ name }: Variant) => name === 'int8');
    expect(int8.figures).toMatchObject({ samples: 12, cosine: expect.any(Number), argmax: expect.any(Number) });
    expect(int8.measured.speeds[0]).toMatchObject({
      threads: 1,
      batch: 1,
      p50: expect.any(Number),
      p99: expect.any(Number),
    });
    expect(int8.measured.peakBytes).toBeGreaterThan(30e6);
    expect(int8.lambda[0]).toMatchObject({ memoryMb: expect.any(Number), perMillion: expect.any(Number) });
    const html = await readFile(page, 'utf8');
    expect(html).toMatch(/^<!doctype html>[\s\S]*<svg [\s\S]*int8-dynamic/);
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|<script|src=|@import/);
  }, 60_000);

  it('--write judges by the gate of the definition that is there, and keeps it', async () => {
    await using place = await workplace();
    await using app = await testApp({ 'models/mlp.onnx': perceptron().bytes });
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(app.root);
    const args = [place.model, '--samples', place.samples, ...quick, '--calibration', 'minmax', '--write', 'mlp'];
    try {
      const { stdout: first } = await runCommand(optimizeCommand(), ...args);
      expect(first).toMatch(/^wrote {2}models\/mlp\.ts$/m);
      const path = join(app.root, 'models/mlp.ts');
      const gate = 'gate: { argmax: 0.5, cosine: 0.4 },';
      await writeFile(path, (await readFile(path, 'utf8')).replace(/gate: .*/, gate));
      const outcome = JSON.parse((await runCommand(optimizeCommand(), ...args, '--json')).stdout);
      expect(outcome.gate).toEqual({ argmax: 0.5, cosine: 0.4 });
      expect(await readFile(path, 'utf8')).toContain(gate);
    } finally {
      cwd.mockRestore();
    }
  }, 60_000);

  it.each([
    [
      '--report in no folder',
      ['--report', 'none/x.html'],
      'expected a folder for --report none/x.html, found nothing at',
    ],
    [
      '--report in a file',
      ['--report', 'mlp.onnx/x.html'],
      'expected a folder for --report mlp.onnx/x.html, found a file',
    ],
    ['--report of another kind', ['--report', 'x.pdf'], 'expected --report to end in .html or .svg, got x.pdf'],
    [
      '--report that is a folder',
      ['--report', 'samples.svg'],
      'expected a file at --report samples.svg, found a folder',
    ],
    ['--out that is a file', ['--out', 'mlp.onnx'], 'expected a folder at --out mlp.onnx, found a file at'],
    ['--out below a file', ['--out', 'mlp.onnx/a/b'], 'expected a folder at --out mlp.onnx/a/b, found a file at'],
    ['--write of no name', ['--write', 'Bad Name'], 'letters, digits, and single . _ - between them, got "Bad Name"'],
    [
      '--classes of nothing',
      ['--classes', 'none.txt', '--labels', 'labels.txt'],
      'expected a file of classes at none.txt',
    ],
    ['--metric without labels', ['--metric', 'f1'], 'expected samples with labels for --metric f1, got none'],
    ['--metric beside that of a module', ['--metric', 'f1', '--samples', 'own.mjs'], 'expected no --metric f1 beside'],
  ])('refuses %s before it measures anything', async (_name, args, message) => {
    await using place = await workplace();
    await mkdir(join(place.path, 'samples.svg'));
    await writeFile(join(place.path, 'labels.txt'), 'a\n'.repeat(24));
    const module = `export const metric = { count() {}, value() {} };\nexport const samples = () => [{ name: 'a', feeds: {} }];`;
    await writeFile(join(place.path, 'own.mjs'), module);
    const before = process.cwd();
    process.chdir(place.path);
    try {
      const { exitCode, stdout, stderr } = await runCommand(
        optimizeCommand(),
        'mlp.onnx',
        '--samples',
        'samples',
        ...args,
      );
      expect([exitCode, stdout]).toEqual([1, '']);
      expect(stderr).toContain(message);
      expect(stderr).toMatch(/^✗ .*\n.* \(CONFIG_INVALID\)\n$/);
    } finally {
      process.chdir(before);
    }
  });

  it.each([
    ['no model', ['absent.onnx'], 'expected a model at absent.onnx, found nothing'],
    ['not ONNX', ['samples/00.npy'], 'expected ONNX before byte 2'],
    ['no samples', ['mlp.onnx', '--samples', 'absent'], 'expected a folder of samples or a module at'],
    ['samples of another shape', ['mlp.onnx', '--samples', 'wide'], 'sample "a.npy": '],
    [
      'samples with NaN',
      ['mlp.onnx', '--samples', 'nan'],
      'sample "a.npy": expected numbers in "x", got NaN or infinity',
    ],
  ])('with %s fails with what to do', async (_name, [model = '', ...rest], message) => {
    await using place = await workplace();
    for (const [name, values] of [
      ['wide', new Float32Array(33)],
      ['nan', new Float32Array(32).fill(Number.NaN)],
    ] as const) {
      await mkdir(join(place.path, name));
      await writeFile(join(place.path, name, 'a.npy'), npy('<f4', [1, values.length], values));
    }
    const inPlace = (path: string) => (path.startsWith('--') ? path : join(place.path, path));
    const args = model === 'absent.onnx' ? [model] : [inPlace(model)];
    const samples = rest.length > 0 ? rest.map(inPlace) : ['--samples', place.samples];
    const { exitCode, stderr } = await runCommand(optimizeCommand(), ...args, ...samples, ...quick);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/\([A-Z_]+\)$/);
  });
});

describe('ended by Ctrl-C', () => {
  it('leaves no temporary files behind', async () => {
    await using place = await workplace();
    await using temporary = await temporaryFolder();
    const main = join(import.meta.dirname, '../../src/cli/main.ts');
    const args = ['--conditions=glowplug-source', main, 'optimize', place.model, '--samples', place.samples];
    const child = spawn(process.execPath, [...args, '--threads', '1', '--rounds', '30', '--calibration', 'minmax'], {
      env: { ...process.env, TMPDIR: temporary.path },
      stdio: 'ignore',
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    // onnxruntime has files of its own there.
    const ours = async () => (await readdir(temporary.path)).filter((name) => name.startsWith('glowplug-'));
    await vi.waitFor(async () => expect((await ours()).join()).toMatch(/^glowplug-starts-/), 50_000);
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(await ours()).toEqual([]);
  }, 60_000);
});

describe('glowplug compare', () => {
  it('puts models side by side, the first as the reference', async () => {
    await using place = await workplace();
    await runCommand(optimizeCommand(), place.model, '--samples', place.samples, ...quick, '--calibration', 'minmax');
    const other = join(place.path, 'mlp.variants/int8-dynamic.onnx');
    const { exitCode, stdout } = await runCommand(
      compareCommand(),
      place.model,
      other,
      '--samples',
      place.samples,
      ...quick,
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^mlp .*reference$/m);
    expect(stdout).toMatch(/^int8-dynamic .*✓ argmax/m);
    expect(stdout).toMatch(/^accuracy on 24 samples$/m);
    const alone = await runCommand(compareCommand(), place.model, '--samples', place.samples);
    expect([alone.exitCode, alone.stderr]).toEqual([
      1,
      expect.stringContaining('expected two models or more to compare, got 1'),
    ]);
  }, 60_000);
});

describe('measuring', () => {
  it('joins rows where the model can, and tells time a row, load, memory and size', async () => {
    await using place = await workplace();
    const [measured] = await measureVariants({
      variants: [{ name: 'mlp', path: place.model }],
      feeds: { x: { datatype: 'FP32', shape: [1, 32], data: uniform(1, 32) } },
      threads: [1, 2],
      batches: [1, 4],
      rounds: 2,
    });
    expect(measured?.speeds.map(({ threads, batch }) => [threads, batch])).toEqual([
      [1, 1],
      [1, 4],
      [2, 1],
      [2, 4],
    ]);
    for (const { p50, p95, p99, rowsPerSecond, batch } of measured?.speeds ?? []) {
      expect(p50 <= p95 && p95 <= p99).toBe(true);
      expect(rowsPerSecond).toBeCloseTo((1000 * batch) / p50);
    }
    expect(measured?.size).toBe(perceptron().bytes.length);
  }, 60_000);

  it('leaves no process behind when a variant does not run', async () => {
    await using place = await workplace();
    const failed = measureVariants({
      variants: [{ name: 'mlp', path: join(place.path, 'samples/00.npy') }],
      feeds: {},
      threads: [1],
      batches: [1],
      rounds: 1,
    });
    await expect(failed).rejects.toThrow('expected a variant that runs');
  });
});

describe('the choice', () => {
  const variant = (name: string, size: number, p50: number, failures: string[] = []): Variant => {
    const speed = { threads: 1, batch: 1, p50, p95: p50, p99: p50, rowsPerSecond: 1000 / p50, joules: 0, runs: 9 };
    const measured = { name, size, loadMs: 1, peakBytes: 150e6, speeds: [speed] };
    const start = { loadMs: 1, ms: 1, rounds: [1], peakBytes: 1 };
    return { name, how: '', measured, start, lambda: sweepMemory(measured, 'amd64'), failures };
  };
  const all = [
    variant('fp32', 100, 20),
    variant('int8', 28, 12),
    variant('stored', 25, 20),
    variant('broken', 1, 1, ['wrong']),
    variant('slow', 30, 30),
  ];

  it('is the best of those that pass; what fails the gate is neither recommended nor on the front', () => {
    expect(recommend(all)).toEqual({ latency: 'int8', cost: 'int8', size: 'stored' });
    expect(paretoFront(all).map(({ name }) => name)).toEqual(['stored', 'int8']);
  });

  it('lets a cold start take another graph where that is beyond the noise, bounds what needs more to what gains more', () => {
    const form = (name: string, rounds: number[], failures: string[] = []): Variant => {
      const { measured, lambda, start } = all[0]!;
      const candidate = { name, precision: 'fp32', recipe: { layers: {} }, how: '', of: 'fp32' };
      return { name, how: '', measured, lambda, failures, candidate, start: { ...start, rounds } };
    };
    const fp32 = { ...all[0]!, start: { ...all[0]!.start, rounds: [100, 100, 100, 100, 100] } };
    const ort = form('fp32-ort', [80, 80, 80, 80, 120]);
    const names = (...forms: Variant[]) => startsOf([fp32, ...forms], 'fp32').map(({ name }) => name);
    expect(names(ort, form('fp32-avx512', [60, 60, 60, 60, 60]))).toEqual(['fp32-avx512', 'fp32-ort']);
    expect(names(ort, form('fp32-avx512', [79, 79, 79, 79, 79]))).toEqual(['fp32-ort']);
    expect(names(form('fp32-ort', [80, 80, 80, 101, 101]), form('fp32-avx512', [60, 60, 60, 60, 60]))).toEqual([
      'fp32-avx512',
    ]);
    expect(names(form('fp32-ort', [98, 98, 98, 98, 98]))).toEqual([]);
    expect(names(form('fp32-ort', [1, 1, 1, 1, 1], ['wrong']))).toEqual([]);
    expect(recommend([fp32, { ...ort, measured: { ...ort.measured, size: 1 } }]).size).toBe('fp32');
  });

  it('costs what Lambda bills: memory by time, at least the sizes that it fits into', () => {
    const points = all[0]!.lambda;
    expect(points[0]?.memoryMb).toBe(256);
    const whole = points.find(({ memoryMb }) => memoryMb === 1769);
    // 20 ms · 1769/1024 GB · $0.0000166667 · 10⁶ + $0.20
    expect(whole?.ms).toBe(20);
    expect(whole?.perMillion).toBeCloseTo(0.02 * (1769 / 1024) * 16.6667 + 0.2, 4);
    expect(points[0]?.ms).toBeCloseTo(20 / (256 / 1769), 6);
  });
});

describe('progress', () => {
  it('is one line that changes on a terminal, and a line now and then in a log', () => {
    const clock = handClock();
    const log: string[] = [];
    const progress = stepProgress({ write: (text) => log.push(text) }, clock);
    for (const what of ['one', 'two']) progress.tell(what);
    expect(log.join('')).toContain('one');
    expect(log.join('')).not.toContain('two');
    const seen: string[] = [];
    const terminal = stepProgress({ isTTY: true, write: (text) => seen.push(text) }, clock);
    for (const what of ['one', 'two']) terminal.tell(what);
    terminal.end();
    expect(seen).toHaveLength(3);
  });
});
