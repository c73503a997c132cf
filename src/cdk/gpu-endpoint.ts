// A function of the app on GPUs: the same bundle in a container that stays, on one of three hosts.
import { join } from 'node:path';
import { Construct } from 'constructs';
import { bundleFunction, type FunctionBundle } from '../build/bundle-function.ts';
import { projectRoot } from '../build/project.ts';
import { writeContract } from '../core/contract.ts';
import { GlowplugError, shorten } from '../core/errors.ts';
import { EcsHost } from './ecs-host.ts';
import type { GpuEndpointProps, GpuHost } from './gpu-endpoint-props.ts';
import { gpuImage } from './gpu-image.ts';
import { mustOffer } from './gpus.ts';
import type { Hosted } from './hosted.ts';
import { LambdaHost } from './lambda-host.ts';
import { gpuMb, mustFitGpu } from './must-fit-gpu.ts';
import { mustSuitHost } from './must-suit-host.ts';
import { SageMakerHost } from './sagemaker-host.ts';
import { trustedKeysFor } from './trusted-keys-for.ts';
import { warnUngated } from './warn-ungated.ts';

/** What each host is made of; every resource is reached there. */
export interface GpuHosts {
  readonly ecs: EcsHost;
  readonly lambda: LambdaHost;
  readonly sagemaker: SageMakerHost;
}

/**
 * The image, the function, its protocol and its versions are the same on each host; what a client must know of them is in
 * guide 5.
 *
 * @example
 * const { host } = new GpuEndpoint(this, 'Ocr', { function: 'functions/ocr', store });
 * host.grantInvoke(role);
 */
export class GpuEndpoint<H extends GpuHost = 'ecs'> extends Construct {
  readonly bundle: FunctionBundle;
  readonly host: GpuHosts[H];

  /**
   * @throws GlowplugError CONFIG_INVALID for a region without the GPU, models over its memory, an image that is not there,
   * what the host has no use for
   */
  constructor(scope: Construct, id: string, props: GpuEndpointProps<H>) {
    super(scope, id);
    // Untold H is ecs, too.
    const host = props.host ?? ('ecs' as H);
    mustBeHost(host);
    mustSuitHost(host, props);
    const hosted = this.#hosted(props);
    this.bundle = hosted.bundle;
    this.host = makeHost[host](this, hosted);
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
    const environment = writeContract({
      store: store.location,
      stage,
      trustedKeys: trustedKeysFor(this, store, bundle, root),
      modelsMb: gpuMb(gpu),
    });
    return { bundle, entry, root, image, environment, props };
  }
}

/** CDK leaves the id Default out of the names of resources. */
const makeHost: { readonly [H in GpuHost]: (scope: Construct, hosted: Hosted) => GpuHosts[H] } = {
  ecs: (scope, hosted) => new EcsHost(scope, 'Default', hosted),
  lambda: (scope, hosted) => new LambdaHost(scope, 'Default', hosted),
  sagemaker: (scope, hosted) => new SageMakerHost(scope, 'Default', hosted),
};

/** Of callers without types. */
function mustBeHost(host: string): void {
  if (Object.hasOwn(makeHost, host)) return;
  throw new GlowplugError('CONFIG_INVALID', `expected a host that there is, got ${shorten(host)}`, {
    remedy: `Take one of ${Object.keys(makeHost).join(', ')}, or leave host out for ecs.`,
  });
}

function mustScale({ minTargets = 0, maxTargets = 4 }: GpuEndpointProps): void {
  if (minTargets <= maxTargets && maxTargets >= 1) return;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected minTargets of at most maxTargets, got ${minTargets} and ${maxTargets}`,
    { remedy: 'Set maxTargets to 1 or more, and minTargets no higher.' },
  );
}
