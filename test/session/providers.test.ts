// Where a model runs: over a runtime of the test's own, and over the real one, which has the CPU here and says why no more.
import { describe, expect, it } from 'vitest';
import type { Provider } from '../../src/core/provider.ts';
import { chooseProvider } from '../../src/session/choose-provider.ts';
import { fakeSession } from '../../src/session/fake.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import type { Session } from '../../src/session/session.ts';
import { createWorkerSession } from '../../src/session/worker.ts';
import { type Tensors, tensor } from '../../src/tensor/tensor.ts';
import { sampleModels } from '../onnx/sample-models.ts';

const signature = {
  inputs: { x: { datatype: 'FP32', shape: ['N', 'length'] } },
  outputs: { y: { datatype: 'FP32', shape: ['N'] }, best: { datatype: 'INT64', shape: ['N'] } },
} as const;

const answer = (y: number, best = 3n): Tensors => ({
  y: tensor('FP32', [1], Float32Array.of(y)),
  best: tensor('INT64', [1], BigInt64Array.of(best)),
});

type Runtime = Partial<Record<Provider, string | (() => Tensors)>>;

/** A provider that is text does not load, and says so. */
function runtime(has: Runtime) {
  const opened: Provider[] = [];
  const sessions: { readonly provider: Provider; readonly disposed: boolean }[] = [];
  const open = async (provider: Provider): Promise<Session> => {
    opened.push(provider);
    const what = has[provider] ?? 'no such library';
    if (typeof what === 'string') throw new Error(what);
    const session = fakeSession({ signature, answer: what });
    sessions.push(Object.defineProperty({ provider, disposed: false }, 'disposed', { get: () => session.disposed }));
    return session;
  };
  const left = () => sessions.flatMap(({ provider, disposed }) => (disposed ? [] : [provider]));
  return { open, opened, left };
}

const same = () => answer(0.5);

describe('auto', () => {
  it('takes TensorRT where it loads and computes what the CPU does, within tolerance; the CPU is let go again', async () => {
    const { open, opened, left } = runtime({ tensorrt: () => answer(0.501), cuda: same, cpu: same });
    const { picked } = await chooseProvider('auto', open);
    expect(picked).toEqual({ provider: 'tensorrt', passed: [] });
    expect([opened, left()]).toEqual([['tensorrt', 'cpu'], ['tensorrt']]);
  });

  it('falls through what does not load, and says why', async () => {
    const { open, left } = runtime({ tensorrt: 'libnvinfer.so.10: cannot open', cuda: same, webgpu: same, cpu: same });
    expect((await chooseProvider('auto', open)).picked).toEqual({
      provider: 'cuda',
      passed: [{ provider: 'tensorrt', why: 'libnvinfer.so.10: cannot open' }],
    });
    expect(left()).toEqual(['cuda']);
  });

  it.each([
    ['floats that differ', () => answer(0.6), /^output y differs from the CPU’s by 0\.1/],
    ['a whole number that differs', () => answer(0.5, 2n), /^output best differs from the CPU’s by 0\.33/],
    ['NaN', () => answer(Number.NaN), /^output y differs from the CPU’s by Infinity/],
    ['an output less', () => ({ y: answer(0.5)['y']! }), /^output best differs/],
    [
      'a fault',
      () => {
        throw new Error('CUDA failure 700');
      },
      /^it loads and does not run: CUDA failure 700/,
    ],
  ] as [string, () => Tensors, RegExp][])(
    'does not use a provider that computes something else: %s',
    async (_name, wrong, why) => {
      const { open, opened, left } = runtime({ tensorrt: wrong, cuda: wrong, cpu: same });
      const { picked } = await chooseProvider('auto', open);
      expect(picked?.provider).toBe('cpu');
      expect(picked?.passed.map((one) => one.provider)).toEqual(['tensorrt', 'cuda']);
      for (const one of picked?.passed ?? []) expect(one.why).toMatch(why);
      // One reference for both, and every session that is not used is closed.
      expect([opened, left()]).toEqual([['tensorrt', 'cpu', 'cuda', 'cpu'], ['cpu']]);
    },
  );

  it('never takes WebGPU, nor a provider that cannot be compared', async () => {
    const refuses = () => {
      throw new Error('expected other lengths');
    };
    const { open } = runtime({ cuda: same, webgpu: same, cpu: refuses });
    const { picked } = await chooseProvider('auto', open);
    expect(picked?.provider).toBe('cpu');
    expect(picked?.passed[1]).toEqual({
      provider: 'cuda',
      why: 'it cannot be compared with the CPU: expected other lengths',
    });
  });

  it('rejects with what the CPU says of a model that nobody takes', async () => {
    const { open } = runtime({ cpu: 'no such operator' });
    await expect(chooseProvider('auto', open)).rejects.toThrow('no such operator');
  });
});

describe('a provider by name', () => {
  it('is taken, or refused with the reason; nothing else is tried', async () => {
    const { open, opened } = runtime({ webgpu: same, cpu: same });
    expect((await chooseProvider('webgpu', open)).picked?.provider).toBe('webgpu');
    await expect(chooseProvider('cuda', open)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      message: 'expected to run on cuda: no such library',
    });
    expect(opened).toEqual(['webgpu', 'cpu', 'cuda']);
  });
});

describe('onnxruntime', () => {
  const iris = sampleModels['iris']!;

  it('auto says what it picked and why no other, in this thread and in a worker', async () => {
    for (const create of [createOrtSession, createWorkerSession]) {
      await using session = await create(iris, { threads: 1, provider: 'auto' });
      const { provider, passed = [] } = session.picked ?? {};
      expect(passed.map((one) => one.provider)).toEqual(['tensorrt', 'cuda'].slice(0, passed.length));
      for (const { why } of passed) expect(why).not.toBe('');
      if (provider === 'cpu') expect(passed.at(-1)?.why).toMatch(/cuda/i);
      const { probabilities } = await session.run({ x: tensor('FP32', [1, 4], Float32Array.of(5.1, 3.5, 1.4, 0.2)) });
      expect(probabilities?.shape).toEqual([1, 3]);
    }
  });

  it('a real GPU computes what the CPU does', async ({ skip }) => {
    await using session = await createOrtSession(sampleModels['rec']!, { threads: 1, provider: 'auto' });
    const { provider, passed = [] } = session.picked ?? {};
    if (provider !== 'cpu') return;
    const why = `no GPU: ${passed.map((one) => `${one.provider}: ${one.why}`).join('; ')}`;
    console.log(`providers: skipped, ${why}`);
    skip(why);
  });

  it('by name and not to be had, it is refused with what is missing', async ({ skip }) => {
    const session = createOrtSession(iris, { threads: 1, provider: 'tensorrt' });
    const opened = await session.catch((error: unknown) => error);
    if (!(opened instanceof Error)) skip('TensorRT is here');
    expect(opened).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', message: expect.stringMatching(/TensorRT/i) });
  });
});
