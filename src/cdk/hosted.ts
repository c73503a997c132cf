// What every host of an endpoint is handed: the function as it was bundled and checked, and the image that holds it.
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
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
  /** Where its models are, which stage it is, whom it trusts. */
  readonly environment: Readonly<Record<string, string>>;
  readonly props: GpuEndpointProps;
}

/** Lets what runs the function read its own models. */
export function grantModels(grantee: IGrantable, { props, bundle }: Hosted): void {
  props.store.grantRead(
    grantee,
    Object.values(bundle.lock.models).map(({ model }) => model),
  );
}
