// A target of an endpoint on ECS: the image with one GPU, its keys, its log.
import { Aws, CfnResource, Duration, Validations } from 'aws-cdk-lib';
import {
  Compatibility,
  ContainerImage,
  Secret as ContainerSecret,
  LogDrivers,
  NetworkMode,
  TaskDefinition,
} from 'aws-cdk-lib/aws-ecs';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { explainWildcard } from './explain.ts';
import { type Hosted, markHosted, modelsOf } from './hosted.ts';

export interface EcsTask {
  readonly hosted: Hosted;
  /** Under which it tells what its runs wait. */
  readonly endpoint: string;
  /** MB. */
  readonly memorySize: number;
  readonly vcpus: number;
  /** Which it asks of its clients; none: it asks for none. */
  readonly apiKeys: ISecret | undefined;
  readonly logGroup: LogGroup;
}

export const ecsPort = 8080;
/** Under the 120 seconds that ECS and spot give; the load balancer waits as long. */
export const drainSeconds = 100;

export function ecsTask(
  scope: Construct,
  { hosted, endpoint, memorySize, vcpus, apiKeys, logGroup }: EcsTask,
): TaskDefinition {
  const { bundle, environment, image } = hosted;
  const task = new TaskDefinition(scope, 'Task', {
    compatibility: Compatibility.MANAGED_INSTANCES,
    networkMode: NetworkMode.AWS_VPC,
    cpu: `${vcpus * 1024}`,
    memoryMiB: `${memorySize}`,
  });
  task.addContainer('server', {
    image: ContainerImage.fromAsset(image.directory, image.options),
    command: [`functions/${bundle.name}`, '--drain', `${drainSeconds}`],
    gpuCount: 1,
    portMappings: [{ containerPort: ecsPort }],
    environment: { ...environment, AWS_REGION: Aws.REGION, GLOWPLUG_ENDPOINT: endpoint },
    ...(apiKeys ? { secrets: { GLOWPLUG_API_KEYS: ContainerSecret.fromSecretsManager(apiKeys) } } : {}),
    logging: LogDrivers.awsLogs({ logGroup, streamPrefix: 'server' }),
    // ECS's longest, and the notice that spot gives.
    stopTimeout: Duration.seconds(120),
  });
  hosted.props.store.grantRead(task.taskRole, modelsOf(bundle));
  const resource = task.node.defaultChild;
  if (CfnResource.isCfnResource(resource)) markHosted(resource, bundle);
  Validations.of(task).acknowledge({
    id: 'AwsSolutions-ECS2',
    reason: 'The environment holds the store, the stage and the endpoint’s name; the keys come from Secrets Manager.',
  });
  const { executionRole } = task;
  if (executionRole) explainWildcard(executionRole, '*', 'ecr:GetAuthorizationToken can be allowed for * alone.');
  return task;
}
