// What every host of an endpoint is handed: the function as it was bundled and checked, and the image that holds it.
import type { CfnResource } from 'aws-cdk-lib';
import type { FunctionBundle } from '../build/bundle-function.ts';
import type { GpuEndpointProps } from './gpu-endpoint-props.ts';
import type { GpuImage } from './gpu-image.ts';

export interface Hosted {
  readonly bundle: FunctionBundle;
  /** Path of function.ts. */
  readonly entry: string;
  /** The project. */
  readonly root: string;
  readonly image: GpuImage;
  /** Where its models are, which stage it is, whom it trusts, how much of the GPU they may take. */
  readonly environment: Readonly<Record<string, string>>;
  readonly props: GpuEndpointProps;
}

export function modelsOf({ lock }: FunctionBundle): string[] {
  return Object.values(lock.models).map(({ model }) => model);
}

/** What commands read of the template: `cost` whom it hosts, `deploy` which versions the image uses, so that none of them is pruned. */
export function markHosted(resource: CfnResource, { name, lock }: FunctionBundle): void {
  resource.addMetadata('glowplug:endpoint', name);
  const pins = Object.values(lock.models).map(({ model, version, digest }) => ({ model, version, digest }));
  resource.addMetadata('glowplug:pins', pins);
}
