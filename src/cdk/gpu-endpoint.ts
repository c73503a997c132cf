// A function of the app on GPUs: the same bundle in a container that stays.
import { join } from 'node:path';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { bundleFunction, type FunctionBundle } from '../build/bundle-function.ts';
import { projectRoot } from '../build/project.ts';
import { writeContract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { EcsHost } from './ecs-host.ts';
import type { GpuEndpointProps } from './gpu-endpoint-props.ts';
import { gpuImage } from './gpu-image.ts';
import { mustOffer } from './gpus.ts';
import type { Hosted } from './hosted.ts';
import { mustFitGpu } from './must-fit-gpu.ts';
import { trustedKeysFor } from './trusted-keys-for.ts';
import { warnUngated } from './warn-ungated.ts';

/**
 * What it runs on is in `ecs`: any resource of it can be reached there.
 *
 * @example
 * new GpuEndpoint(this, 'Ocr', { function: 'functions/ocr', store });
 */
export class GpuEndpoint extends Construct {
  readonly bundle: FunctionBundle;
  readonly ecs: EcsHost;
  /** They also end a deployment and take it back. */
  readonly alarms: readonly Alarm[];

  /** @throws GlowplugError CONFIG_INVALID for a region without the GPU, a model over its memory, an image that is not there */
  constructor(scope: Construct, id: string, props: GpuEndpointProps) {
    super(scope, id);
    const hosted = this.#hosted(props);
    this.bundle = hosted.bundle;
    // CDK leaves this id out of the names of resources.
    this.ecs = new EcsHost(this, 'Default', hosted);
    this.alarms = this.ecs.alarms;
  }

  #hosted(props: GpuEndpointProps): Hosted {
    const { gpu = 'l4', store, stage = 'dev' } = props;
    mustOffer(this, gpu, props.moreRegions ?? []);
    mustScale(props);
    const root = props.root ?? projectRoot();
    const image = gpuImage(props, root);
    const entry = join(root, props.function, 'function.ts');
    const bundle = bundleFunction({ entry, root });
    mustFitGpu(bundle, gpu);
    warnUngated(this, bundle, 'gpu', root);
    const trustedKeys = trustedKeysFor(this, store, bundle, root);
    const environment = writeContract({ store: store.location, stage, trustedKeys });
    return { bundle, entry, root, image, environment, props };
  }
}

function mustScale({ minTargets = 0, maxTargets = 4 }: GpuEndpointProps): void {
  if (minTargets <= maxTargets && maxTargets >= 1) return;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected minTargets of at most maxTargets, got ${minTargets} and ${maxTargets}`,
    { remedy: 'Set maxTargets to 1 or more, and minTargets no higher.' },
  );
}
