// What cannot run is refused when the app is synthesised, with what to do, and never at run time: each of it as somebody would write it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { afterEach, expect, it, vi } from 'vitest';
import { GpuEndpoint, InferenceFunction, ModelStore, OnnxRuntimeLayer } from '../../src/cdk/index.ts';
import type { Lock } from '../../src/models/version.ts';
import { fixtureLock, fixtureProject } from '../build/fixtures/project.ts';
import { synthStage } from './synth-stage.ts';

afterEach(() => vi.restoreAllMocks());

const { 'ppocr-det:prod': det } = fixtureLock.models;
const gpuIn = (region: string) => () =>
  synth(
    (stack, store, root) => {
      mkdirSync(join(root, 'images/gpu'), { recursive: true });
      return new GpuEndpoint(stack, 'Sort', { function: 'functions/sort', store, root });
    },
    { region },
  );

it.each<[string, () => unknown, string, string, string]>([
  [
    'a typo in a stage',
    () => synthStage('dev', { dev: { functions: { iris: { memorysize: 512 } } } } as object, []),
    'CONFIG_INVALID',
    'stages.dev.functions.iris: expected memorySize, ',
    'Write memorySize.',
  ],
  [
    'a function that is none',
    () => synthStage('dev', { dev: { functions: { irs: {} } } }, []),
    'CONFIG_INVALID',
    'stages.dev.functions: expected embed, iris, ',
    'Write iris.',
  ],
  ['no lock file', () => synth(sort, { lock: null }), 'LOCK_STALE', 'models.lock.json', 'Run glowplug lock'],
  [
    'a lock file without the model',
    () => synth(sort, { lock: { lockVersion: 1, models: { 'ppocr-det:prod': det! } } }),
    'LOCK_STALE',
    'iris:prod',
    'Run glowplug lock',
  ],
  [
    'a region without the GPU',
    gpuIn('me-south-1'),
    'CONFIG_INVALID',
    'expected a region that offers the GPU l4, got me-south-1',
    'if AWS offers it there by now, name it in moreRegions.',
  ],
  [
    'a region that nobody knows',
    gpuIn('mars-north-1'),
    'CONFIG_INVALID',
    'expected a region that offers the GPU l4, got mars-north-1',
    'name it in moreRegions.',
  ],
  [
    'a layer over the limit',
    () => {
      const { of } = OnnxRuntimeLayer;
      vi.spyOn(OnnxRuntimeLayer, 'of').mockImplementation((scope, props) =>
        Object.assign(of.call(OnnxRuntimeLayer, scope, props), { bytes: 251 * 2 ** 20 }),
      );
      return synth(sort);
    },
    'CONFIG_INVALID',
    'function sort: expected its bundle and layers to be 250 MB or less unzipped, got ',
    'Import less, or serve it from a container (GpuEndpoint)',
  ],
  [
    'a memory that the model does not fit',
    () => synthStage('dev', { dev: { functions: { ocr: { memorySize: 128 } } } }, ['ocr']),
    'CONFIG_INVALID',
    'function ocr: expected memorySize to be ',
    'Set memorySize: ',
  ],
])('%s is refused at synth, with its remedy', async (_what, make, code, message, remedy) => {
  await expect(async () => await make()).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
    remedy: expect.stringContaining(remedy),
  });
});

type Make = (stack: Stack, store: ModelStore, root: string) => unknown;

function sort(stack: Stack, store: ModelStore, root: string): unknown {
  return new InferenceFunction(stack, 'Sort', { entry: join(root, 'functions/sort/function.ts'), store });
}

function synth(make: Make, { lock = fixtureLock, region }: { lock?: Lock | null; region?: string } = {}): void {
  using project = fixtureProject({ lock });
  const app = new App({ outdir: join(project.root, 'cdk.out'), context: { 'aws:cdk:disable-asset-staging': true } });
  const env = region ? { env: { region } } : {};
  make(new Stack(app, 'Functions', env), new ModelStore(new Stack(app, 'Store', env), 'ModelStore'), project.root);
}
