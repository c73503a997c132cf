// The image of an endpoint as CDK builds it from the project: one for every host.
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { type DockerImageAssetOptions, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { GlowplugError } from '../core/errors.ts';
import type { GpuEndpointProps } from './gpu-endpoint-props.ts';

export interface GpuImage {
  /** The build's context: the project. */
  readonly directory: string;
  readonly options: DockerImageAssetOptions;
}

/** @throws GlowplugError CONFIG_INVALID where there is no Dockerfile */
export function gpuImage({ image = 'images/gpu', buildArgs }: GpuEndpointProps, root: string): GpuImage {
  const folder = resolve(root, image);
  if (!existsSync(join(folder, 'Dockerfile'))) {
    throw new GlowplugError('CONFIG_INVALID', `expected a Dockerfile in ${folder}, found none`, {
      remedy: 'Copy images/gpu of glowplug’s repository into the app, or name the folder that has it: image.',
    });
  }
  return {
    directory: root,
    options: {
      file: join(relative(root, folder), 'Dockerfile'),
      target: 'gpu',
      platform: Platform.LINUX_AMD64,
      exclude: ['node_modules', 'dist', 'cdk.out', '.git', '.glowplug', '**/*.key.json', '**/.env*'],
      ...(buildArgs ? { buildArgs: { ...buildArgs } } : {}),
    },
  };
}
