// What a host has no use for is refused when the app is synthesised, with what does the same there.
import { Duration, Stack } from 'aws-cdk-lib';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type EcsHost,
  GpuEndpoint,
  type GpuEndpointProps,
  type GpuHost,
  type SageMakerHost,
} from '../../src/cdk/index.ts';
import { synthEndpoint } from './synth-endpoint.ts';

const cases: [GpuHost, Partial<GpuEndpointProps>, RegExp][] = [
  ['sagemaker', { spot: true }, /no spot instances/],
  ['sagemaker', { vcpus: 8 }, /choose another gpu/],
  ['sagemaker', { memorySize: 8192 }, /choose another gpu/],
  ['sagemaker', { queueMilliseconds: 20 }, /set concurrency/],
  ['sagemaker', { idle: Duration.minutes(5) }, /after 15 minutes/],
  ['sagemaker', { front: 'api' }, /InvokeEndpoint is its only front/],
  ['sagemaker', { golden: true }, /No new copy is asked/],
  ['lambda', { front: 'load-balancer' }, /its only front/],
  ['lambda', { api: {} }, /its only front/],
  ['lambda', { golden: true }, /No new environment is asked/],
  ['lambda', { spot: true }, /no spot instances/],
  ['lambda', { vcpus: 8 }, /set memorySize/],
  ['lambda', { queueMilliseconds: 20 }, /set concurrency/],
  ['lambda', { idle: Duration.minutes(5) }, /Lambda decides/],
  ['ecs', { concurrency: 8 }, /set queueMilliseconds/],
];

it('an endpoint is typed by its host, and one that names none is on ECS', () => {
  const untold = (props: Omit<GpuEndpointProps, 'host'>) => new GpuEndpoint(new Stack(), 'Untold', props).host;
  const told = (props: Omit<GpuEndpointProps, 'host'>) =>
    new GpuEndpoint(new Stack(), 'Told', { ...props, host: 'sagemaker' }).host;
  expectTypeOf(untold).returns.toEqualTypeOf<EcsHost>();
  expectTypeOf(told).returns.toEqualTypeOf<SageMakerHost>();
});

describe('mustSuitHost', () => {
  it.each(cases)('%s refuses %j', (host, props, remedy) => {
    const [property = ''] = Object.keys(props);
    expect(() => synthEndpoint({ host, ...props })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`expected no ${property} with host: '${host}'`),
        remedy: expect.stringMatching(remedy),
      }),
    );
  });

  it('takes spot: false anywhere: it asks for nothing', () => {
    expect(() => synthEndpoint({ host: 'sagemaker', spot: false })).not.toThrow();
  });

  it.each(['lambda', 'sagemaker'] as const)(
    '%s refuses a region without the GPU, a model over it, no image',
    (host) => {
      expect(() => synthEndpoint({ host, gpu: 'l40s' }, { region: 'eu-west-2' })).toThrow(
        expect.objectContaining({ remedy: expect.stringContaining("Use gpu: 't4'") }),
      );
      expect(() => synthEndpoint({ host, gpu: 't4' }, { modelBytes: 20 * 2 ** 30 })).toThrow(
        expect.objectContaining({ remedy: "Use gpu: 'a10g'." }),
      );
      expect(() => synthEndpoint({ host, image: 'images/none' })).toThrow(/expected a Dockerfile in/);
      expect(() => synthEndpoint({ host, minTargets: 5 })).toThrow(/minTargets of at most maxTargets/);
    },
  );
});
