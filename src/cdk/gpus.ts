// The GPUs an endpoint can ask for: what AWS calls them and their instances, how much one holds, and where it is offered.
import { Stack, Token } from 'aws-cdk-lib';
import { AcceleratorName } from 'aws-cdk-lib/aws-ec2';
import type { IConstruct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';

/** Where their instances could be had in November 2026, as remembered: not checked against AWS. `moreRegions` adds to them. */
const common = [
  'us-east-1',
  'us-east-2',
  'us-west-2',
  'ca-central-1',
  'sa-east-1',
  'eu-central-1',
  'eu-west-2',
  'eu-north-1',
];
const asia = ['ap-northeast-1', 'ap-northeast-2', 'ap-south-1', 'ap-southeast-2'];

export const gpus = {
  t4: {
    accelerator: AcceleratorName.T4,
    family: 'g4dn',
    gib: 16,
    regions: [...common, ...asia, 'eu-west-1', 'eu-west-3', 'us-west-1'],
  },
  a10g: { accelerator: AcceleratorName.A10G, family: 'g5', gib: 24, regions: [...common, ...asia, 'eu-west-1'] },
  l4: { accelerator: AcceleratorName.L4, family: 'g6', gib: 24, regions: [...common, ...asia, 'eu-west-3'] },
  l40s: {
    accelerator: AcceleratorName.L40S,
    family: 'g6e',
    gib: 48,
    regions: ['us-east-1', 'us-east-2', 'us-west-2', 'eu-central-1', 'eu-north-1', 'ap-northeast-1'],
  },
} as const;

export type Gpu = keyof typeof gpus;

/** A stack that leaves its region to the environment is taken. @throws GlowplugError CONFIG_INVALID */
export function mustOffer(scope: IConstruct, gpu: Gpu, more: readonly string[]): void {
  const { region } = Stack.of(scope);
  const known: readonly string[] = [...gpus[gpu].regions, ...more];
  if (Token.isUnresolved(region) || known.includes(region)) return;
  const others = Object.entries(gpus).flatMap(([name, { regions }]) =>
    regions.some((one) => one === region) ? [name] : [],
  );
  throw new GlowplugError('CONFIG_INVALID', `expected a region that offers the GPU ${gpu}, got ${region}`, {
    remedy: `${others.length > 0 ? `Use gpu: '${others[0]}', or one` : 'Use one'} of ${known.join(', ')}; if AWS offers it there by now, name it in moreRegions.`,
  });
}
