// What synth says of a variant that was measured on another kind of processor than it is deployed to.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { App, Annotations as Silence, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { GpuEndpoint, InferenceFunction, type InferenceFunctionProps, ModelStore } from '../../src/cdk/index.ts';
import { fixtureLock, fixtureProject } from '../build/fixtures/project.ts';

const figures = { samples: 9, cosine: 1, maxError: 0, relativeError: 0, argmax: 1 };
const measured = [{ processor: { architecture: 'amd64', model: 'any', features: ['avx2'] }, figures }];
const { digest } = fixtureLock.models['iris:prod']!;
const record = (variant: string) =>
  JSON.stringify({ variants: { [variant]: { digest, reference: digest, measured } } });

describe('a variant that was gated on amd64', () => {
  it('warns on arm64, and says what to do', () => {
    expect(warningsOf(lambda('arm64'))).toEqual([
      'iris:prod was never gated on arm64, to which it is deployed, but on amd64: INT8 differs between processors. Run glowplug optimize --write there and commit models/iris/gate.json. [ack: glowplug:ungated:iris:prod]',
    ]);
  });

  it('warns on a GPU', () => {
    expect(warningsOf(gpu)).toEqual([
      expect.stringMatching(/^iris:prod was gated on amd64, and runs on a GPU here: .* Name iris without a variant/),
    ]);
  });

  it.each([
    ['on amd64', lambda('x86_64'), record('int8')],
    ['when its owner acknowledged it', acknowledged, record('int8')],
    ['where the model was never optimised', lambda('arm64'), null],
    ['where the record tells of other variants', lambda('arm64'), record('fp16')],
  ] as const)('is silent %s', (_when, make, text) => {
    expect(warningsOf(make, text)).toEqual([]);
  });

  it('is an error where the record cannot be read', () => {
    expect(() => warningsOf(lambda('arm64'), '{')).toThrow(/models\/iris\/gate.json to be JSON/);
  });
});

type Make = (stack: Stack, store: ModelStore, root: string) => void;

function lambda(architecture: NonNullable<InferenceFunctionProps['architecture']>): Make {
  return (stack, store, root) =>
    void new InferenceFunction(stack, 'Sort', { entry: join(root, 'functions/sort/function.ts'), store, architecture });
}

function acknowledged(stack: Stack, store: ModelStore, root: string): void {
  lambda('arm64')(stack, store, root);
  Silence.of(stack).acknowledgeWarning('glowplug:ungated:iris:prod');
}

function gpu(stack: Stack, store: ModelStore, root: string): void {
  new GpuEndpoint(stack, 'Sort', { function: 'functions/sort', store, root });
}

function warningsOf(make: Make, text: string | null = record('int8')): unknown[] {
  const lock = structuredClone(fixtureLock);
  Object.assign(lock.models['iris:prod']!, { variant: 'int8' });
  using project = fixtureProject({ lock });
  for (const folder of ['models/iris', 'images/gpu']) mkdirSync(join(project.root, folder), { recursive: true });
  project.write('images/gpu/Dockerfile', 'FROM scratch AS gpu\n');
  if (text !== null) project.write('models/iris/gate.json', text);
  const context = { 'aws:cdk:disable-asset-staging': true, '@aws-cdk/aws-iam:minimizePolicies': true };
  const app = new App({ outdir: join(project.root, 'cdk.out'), context });
  const stack = new Stack(app, 'Functions');
  make(stack, new ModelStore(new Stack(app, 'Store'), 'ModelStore'), project.root);
  const found = Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('gated'));
  return found.map(({ entry }) => entry.data);
}
