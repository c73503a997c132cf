// A variant that was measured on another kind of processor than it is deployed to is deployed all the same, with a warning.
import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { FunctionBundle } from '../build/bundle-function.ts';
import type { Architecture } from '../build/layer.ts';
import { ungatedVariants } from '../build/ungated-variants.ts';

/** One warning a variant: silence one by Annotations.of(scope).acknowledgeWarning('glowplug:ungated:<reference>'). */
export function warnUngated(
  scope: Construct,
  { lock }: FunctionBundle,
  target: Architecture | 'gpu',
  root: string,
): void {
  for (const warning of ungatedVariants(lock, target, root)) {
    Annotations.of(scope).addWarningV2(`glowplug:ungated:${warning.split(' ', 1)[0]}`, warning);
  }
}
