// Instances with a GPU for an endpoint's tasks: ECS starts, patches and ends them.
import { Aws, Size, Validations } from 'aws-cdk-lib';
import { AcceleratorManufacturer, AcceleratorType, type IVpc, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CapacityOptionType, type Cluster, ManagedInstancesCapacityProvider } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { explainWildcard } from './explain.ts';
import { type Gpu, gpus } from './gpus.ts';

export interface EcsCapacity {
  readonly cluster: Cluster;
  readonly vpc: IVpc;
  readonly gpu: Gpu;
  readonly spot: boolean;
  /** MB of a task. */
  readonly memorySize: number;
  readonly vcpus: number;
}

export function ecsCapacity(
  scope: Construct,
  { cluster, vpc, gpu, spot, memorySize, vcpus }: EcsCapacity,
): ManagedInstancesCapacityProvider {
  const securityGroup = new SecurityGroup(scope, 'Instances', { vpc, description: 'instances of the endpoint' });
  const capacity = new ManagedInstancesCapacityProvider(scope, 'Capacity', {
    subnets: vpc.privateSubnets,
    securityGroups: [securityGroup],
    capacityOptionType: spot ? CapacityOptionType.SPOT : CapacityOptionType.ON_DEMAND,
    instanceRequirements: {
      vCpuCountMin: vcpus,
      memoryMin: Size.mebibytes(memorySize),
      acceleratorCountMin: 1,
      acceleratorCountMax: 1,
      acceleratorTypes: [AcceleratorType.GPU],
      acceleratorManufacturers: [AcceleratorManufacturer.NVIDIA],
      acceleratorNames: [gpus[gpu].accelerator],
    },
  });
  cluster.addManagedInstancesCapacityProvider(capacity);
  explain(capacity);
  return capacity;
}

function explain(capacity: ManagedInstancesCapacityProvider): void {
  Validations.of(capacity.infrastructureRole).acknowledge({
    id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances]',
    reason: 'AWS’s own policy for what ECS does with managed instances, and what its documentation asks for.',
  });
  const instances =
    'CDK’s own role of the instances, by which they register with ECS: what they are called, AWS decides.';
  explainWildcard(capacity, '*', instances);
  explainWildcard(capacity, `arn:${Aws.PARTITION}:ecs:${Aws.REGION}:${Aws.ACCOUNT_ID}:container-instance/*`, instances);
}
