// What synth says of a variant that was measured on another kind of processor than it is deployed to.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { App, Annotations as Silence, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { GpuEndpoint, InferenceFunction, ModelStore } from '../../src/cdk/index.ts';
import { fixtureLock, fixtureProject } from '../build/fixtures/project.ts';

/** That of this machine, whose sharp is installed: no registry is needed. */
const [architecture, here, other] =
  process.arch === 'arm64' ? (['arm64', 'arm64', 'amd64'] as const) : (['x86_64', 'amd64', 'arm64'] as const);
const figures = { samples: 9, cosine: 1, maxError: 0, relativeError: 0, argmax: 1 };
const { digest } = fixtureLock.models['iris:prod']!;

/** Of a variant that was measured on this kind of processor. */
function record(variant: string, on: string): string {
  const measured = [{ processor: { architecture: on, model: 'any', features: ['avx2'] }, figures }];
  return JSON.stringify({ variants: { [variant]: { digest, reference: digest, measured } } });
}

describe('a variant that is deployed', () => {
  it('to another architecture than it was gated on is told, with what to do', () => {
    expect(warningsOf(lambda, record('int8', other))).toEqual([
      `iris:prod was never gated on ${here}, to which it is deployed, but on ${other}: INT8 differs between processors. Run glowplug optimize --write there and commit models/iris/gate.json. [ack: glowplug:ungated:iris:prod]`,
    ]);
  });

  it('to a GPU is told, whatever it was gated on', () => {
    expect(warningsOf(gpu, record('int8', 'amd64'))).toEqual([
      expect.stringMatching(/^iris:prod was gated on amd64, and runs on a GPU here: .* Name iris without a variant/),
    ]);
  });

  it.each([
    ['where it was gated', lambda, record('int8', here)],
    ['when its owner acknowledged the warning', acknowledged, record('int8', other)],
    ['of a model that was never optimised', lambda, undefined],
    ['of which the record does not tell', lambda, record('fp16', other)],
  ] as const)('is not told %s', (_when, make, text) => {
    expect(warningsOf(make, text)).toEqual([]);
  });

  it('is an error where the record cannot be read', () => {
    expect(() => warningsOf(lambda, '{')).toThrow(/models\/iris\/gate.json to be JSON/);
  });
});

type Make = (stack: Stack, store: ModelStore, root: string) => void;

function lambda(stack: Stack, store: ModelStore, root: string): void {
  new InferenceFunction(stack, 'Sort', { entry: join(root, 'functions/sort/function.ts'), store, architecture });
}

function acknowledged(stack: Stack, store: ModelStore, root: string): void {
  lambda(stack, store, root);
  Silence.of(stack).acknowledgeWarning('glowplug:ungated:iris:prod');
}

function gpu(stack: Stack, store: ModelStore, root: string): void {
  new GpuEndpoint(stack, 'Sort', { function: 'functions/sort', store, root });
}

function warningsOf(make: Make, text: string | undefined): unknown[] {
  const lock = structuredClone(fixtureLock);
  Object.assign(lock.models['iris:prod']!, { variant: 'int8' });
  using project = fixtureProject({ lock });
  for (const folder of ['models/iris', 'images/gpu']) mkdirSync(join(project.root, folder), { recursive: true });
  project.write('images/gpu/Dockerfile', 'FROM scratch AS gpu\n');
  if (text !== undefined) project.write('models/iris/gate.json', text);
  const context = { 'aws:cdk:disable-asset-staging': true, '@aws-cdk/aws-iam:minimizePolicies': true };
  const app = new App({ outdir: join(project.root, 'cdk.out'), context });
  const stack = new Stack(app, 'Functions');
  make(stack, new ModelStore(new Stack(app, 'Store'), 'ModelStore'), project.root);
  const found = Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('gated'));
  return found.map(({ entry }) => entry.data);
}
