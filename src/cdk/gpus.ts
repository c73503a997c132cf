// The GPUs an endpoint can ask for: what AWS calls them and their instances, how much one holds, and where it is offered.
import { Stack, Token } from 'aws-cdk-lib';
import { AcceleratorName } from 'aws-cdk-lib/aws-ec2';
import type { IConstruct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';

/**
 * Where EC2 offers the .xlarge of each family, as of October 2026: what DescribeInstanceTypeOfferings answered, as moto 5.2.5 (PyPI,
 * 2026-10-27) carries it under ec2/resources. China and GovCloud are not in it, and AWS adds regions: `moreRegions`.
 */
const regions = {
  everywhere: 'us-east-1 us-east-2 us-west-2 eu-central-1 eu-north-1 ap-northeast-1 ap-northeast-2 ap-south-1',
  g4dn: 'us-west-1 ca-central-1 sa-east-1 eu-south-1 eu-west-1 eu-west-2 eu-west-3 af-south-1 me-south-1 ap-east-1 ap-northeast-3 ap-southeast-1 ap-southeast-2',
  g5: 'ca-central-1 sa-east-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 ap-east-1 ap-southeast-2 ap-southeast-3',
  g6: 'ca-central-1 sa-east-1 eu-central-2 eu-south-2 eu-west-2 eu-west-3 me-central-1 ap-south-2 ap-southeast-2 ap-southeast-5',
  g6e: 'eu-south-2 me-central-1 ap-northeast-3 ap-south-2',
} as const;

export const gpus = {
  t4: { accelerator: AcceleratorName.T4, family: 'g4dn', gib: 16 },
  a10g: { accelerator: AcceleratorName.A10G, family: 'g5', gib: 24 },
  l4: { accelerator: AcceleratorName.L4, family: 'g6', gib: 24 },
  l40s: { accelerator: AcceleratorName.L40S, family: 'g6e', gib: 48 },
} as const;

export type Gpu = keyof typeof gpus;

/** A stack that leaves its region to the environment is taken. @throws GlowplugError CONFIG_INVALID */
export function mustOffer(scope: IConstruct, gpu: Gpu, more: readonly string[]): void {
  const { region } = Stack.of(scope);
  const known = [...offeredIn(gpu), ...more];
  if (Token.isUnresolved(region) || known.includes(region)) return;
  const other = Object.keys(gpus).find((name) => isGpu(name) && offeredIn(name).includes(region));
  throw new GlowplugError('CONFIG_INVALID', `expected a region that offers the GPU ${gpu}, got ${region}`, {
    remedy: `${other ? `Use gpu: '${other}', or one` : 'Use one'} of ${known.join(', ')}; if AWS offers it there by now, name it in moreRegions.`,
  });
}

function offeredIn(gpu: Gpu): string[] {
  return `${regions.everywhere} ${regions[gpus[gpu].family]}`.split(' ');
}

function isGpu(name: string): name is Gpu {
  return Object.hasOwn(gpus, name);
}
