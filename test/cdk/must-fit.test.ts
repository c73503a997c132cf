// What would not fit into Lambda is refused at synth, with the value that would do.
import { describe, expect, it } from 'vitest';
import type { FunctionBundle } from '../../src/build/index.ts';
import { type Fitting, mustFit } from '../../src/cdk/must-fit.ts';
import { budgetFor, residentBytes } from '../../src/session/budget.ts';
import { version } from '../build/fixtures/project.ts';

describe('mustFit', () => {
  it('takes a model that fits, with Lambda’s own 512 MB of disk', () => {
    expect(mustFit(fitting({ sizes: [10e6] }))).toEqual({ ephemeralMb: 512 });
  });

  it('gives /tmp room for models that 512 MB do not hold: the cache keeps to three quarters', () => {
    expect(mustFit(fitting({ sizes: [600e6], memorySize: 3000 })).ephemeralMb).toBe(800);
  });

  it('refuses a memory that the model does not fit, and the memory it names is the least that is taken', () => {
    const refusal = refused(fitting({ sizes: [1e9] }));
    const needed = Number(/memorySize to be (\d+) MB/.exec(refusal.message)?.[1]);
    expect(refusal).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('function big: expected memorySize to be'),
      remedy: `Set memorySize: ${needed}, or use a smaller variant of the model.`,
    });
    expect(residentBytes(1e9)).toBeLessThanOrEqual(budgetFor(needed));
    expect(() => mustFit(fitting({ sizes: [1e9], memorySize: needed }))).not.toThrow();
    expect(() => mustFit(fitting({ sizes: [1e9], memorySize: needed - 1 }))).toThrow();
  });

  it('names an endpoint where no memory of Lambda’s is enough', () => {
    expect(refused(fitting({ sizes: [9e9], memorySize: 10_240 })).remedy).toContain('GpuEndpoint');
  });

  it('warns of models that fit one by one alone, and the memory it names silences it', () => {
    const { warning = '' } = mustFit(fitting({ sizes: [700e6, 700e6], memorySize: 1769 }));
    expect(warning).toContain('fit into 1769 MB one by one and not all at once');
    const enough = Number(/memorySize: (\d+)/.exec(warning)?.[1]);
    expect(mustFit(fitting({ sizes: [700e6, 700e6], memorySize: enough })).warning).toBeUndefined();
    expect(mustFit(fitting({ sizes: [700e6, 700e6], memorySize: enough - 1 })).warning).toBeDefined();
  });

  it.each<[string, Partial<Parameters<typeof fitting>[0]>, string]>([
    [
      'half a megabyte',
      { memorySize: 512.5 },
      'expected memorySize to be a whole number of MB from 128 to 10240, got 512.5',
    ],
    ['less than Lambda has', { memorySize: 64 }, 'from 128 to 10240, got 64'],
    ['more than Lambda has', { memorySize: 10_241 }, 'from 128 to 10240, got 10241'],
    ['a timeout past Lambda’s', { seconds: 901 }, 'expected a timeout of 900 seconds or less, got 901'],
    ['six layers', { layers: Array.from({ length: 6 }, () => 1) }, 'expected 5 layers or fewer, got 6'],
    ['layers over the limit', { layers: [200 * 2 ** 20, 51 * 2 ** 20] }, 'to be 250 MB or less unzipped, got 252 MB'],
    ['models that no /tmp holds', { sizes: [4e9, 4e9], memorySize: 10_240 }, 'its models need 10667 MB of /tmp'],
  ])('refuses %s', (_what, given, message) => {
    expect(refused(fitting(given)).message).toContain(message);
  });
});

function fitting(given: {
  sizes?: readonly number[];
  layers?: readonly number[];
  memorySize?: number;
  seconds?: number;
}): Fitting {
  const models = (given.sizes ?? []).map((size, index) => {
    const one = version(`big-${index}`, 'a');
    return [`big-${index}:prod`, { ...one, files: { 'model.onnx': { ...one.files['model.onnx']!, size } } }] as const;
  });
  const bundle: FunctionBundle = {
    name: 'big',
    path: '',
    digest: '',
    bytes: 1000,
    externals: [],
    references: models.map(([reference]) => reference),
    lock: { lockVersion: 1, models: Object.fromEntries(models) },
  };
  const { memorySize = 1769, seconds = 30, layers = [] } = given;
  return { bundle, memorySize, seconds, layers: layers.map((bytes) => ({ bytes })) };
}

function refused(given: Fitting): { code: string; message: string; remedy: string } {
  try {
    mustFit(given);
  } catch (error) {
    return error as ReturnType<typeof refused>;
  }
  throw new Error('expected a refusal, it was taken');
}
