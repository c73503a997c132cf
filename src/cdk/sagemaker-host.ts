// An endpoint on SageMaker: the image as an inference component, whose copies have a GPU each, from none up.
import { Aws, Names, RemovalPolicy } from 'aws-cdk-lib';
import { type Alarm, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { type IVpc, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { DockerImageAsset } from 'aws-cdk-lib/aws-ecr-assets';
import { Grant, type IGrantable, type Role } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnEndpoint, CfnEndpointConfig, CfnInferenceComponent } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';
import { errorRule } from '../observe/alarm-rule.ts';
import { failureAlarm, sumOfAMinute } from './error-alarm.ts';
import { gpus } from './gpus.ts';
import { type Hosted, markHosted, modelsOf } from './hosted.ts';
import { sagemakerRole } from './sagemaker-role.ts';
import { scaleCopies } from './scale-copies.ts';

/**
 * Called by InvokeEndpoint alone, with the names of the endpoint and of the inference component: whoever may is let by
 * `grantInvoke`. No request is captured.
 */
export class SageMakerHost extends Construct {
  readonly role: Role;
  readonly endpoint: CfnEndpoint;
  readonly component: CfnInferenceComponent;
  /** Of every copy. */
  readonly logGroup: LogGroup;
  /** They also end a deployment and take it back. */
  readonly alarms: readonly Alarm[];
  readonly #name: string;

  /** @throws GlowplugError CONFIG_INVALID for trusted keys that are longer than SageMaker's variables */
  constructor(scope: Construct, id: string, hosted: Hosted) {
    super(scope, id);
    const { bundle, props } = hosted;
    const { gpu = 'l4', minTargets = 0, maxTargets = 4, concurrency = 8, vpc } = props;
    // What scales it and what watches it have to know its name before it is there.
    const name = Names.uniqueResourceName(this, { maxLength: 63, separator: '-' });
    const image = new DockerImageAsset(this, 'Image', { directory: hosted.image.directory, ...hosted.image.options });
    this.logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/sagemaker/InferenceComponents/${name}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = sagemakerRole(this, { image, logGroup: this.logGroup, inVpc: vpc !== undefined });
    props.store.grantRead(this.role, modelsOf(bundle));
    const config = new CfnEndpointConfig(this, 'Config', {
      executionRoleArn: this.role.roleArn,
      productionVariants: [
        {
          variantName: variant,
          instanceType: `ml.${gpus[gpu].family}.xlarge`,
          inferenceAmiVersion: ami,
          initialInstanceCount: 1,
          managedInstanceScaling: {
            status: 'ENABLED',
            minInstanceCount: minTargets,
            // A deployment starts a copy beside the old ones before it takes one away.
            maxInstanceCount: maxTargets + 1,
          },
          routingConfig: { routingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
        },
      ],
      ...(vpc ? { vpcConfig: this.#network(vpc as IVpc) } : {}),
    });
    // Its rights are a resource of their own, which a reference to the role does not wait for.
    config.node.addDependency(this.role);
    this.endpoint = new CfnEndpoint(this, 'Endpoint', { endpointConfigName: config.attrEndpointConfigName });
    this.#name = name;
    this.alarms = [this.#errorAlarm(bundle.name)];
    this.component = new CfnInferenceComponent(this, 'Component', {
      inferenceComponentName: name,
      endpointName: this.endpoint.attrEndpointName,
      variantName: variant,
      specification: {
        container: { image: image.imageUri, environment: environmentOf(hosted) },
        // A reservation, not a limit: with the GPU a copy has the instance to itself, and SageMaker keeps some of its memory.
        computeResourceRequirements: { numberOfAcceleratorDevicesRequired: 1, minMemoryRequiredInMb: 1024 },
        startupParameters: { containerStartupHealthCheckTimeoutInSeconds: 900 },
      },
      runtimeConfig: { copyCount: Math.max(1, minTargets) },
      deploymentConfig: {
        rollingUpdatePolicy: {
          maximumBatchSize: { type: 'COPY_COUNT', value: 1 },
          waitIntervalInSeconds: 120,
          maximumExecutionTimeoutInSeconds: 7200,
        },
        autoRollbackConfiguration: { alarms: this.alarms.map(({ alarmName }) => ({ alarmName })) },
      },
    });
    // SageMaker would make the log group itself, and keep it for ever.
    this.component.node.addDependency(this.logGroup);
    markHosted(this.component, bundle);
    scaleCopies(this, { component: this.component, name, minTargets, maxTargets, concurrency });
  }

  /** Lets someone ask: InvokeEndpoint, and the same for answers that are streamed. */
  grantInvoke(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['sagemaker:InvokeEndpoint', 'sagemaker:InvokeEndpointWithResponseStream'],
      resourceArns: [this.endpoint.attrEndpointArn, this.component.attrInferenceComponentArn],
    });
  }

  /** Of the component: its requests, or with SageMaker's other namespace what its copies use. */
  metric(metricName: string, namespace = 'AWS/SageMaker'): Metric {
    return new Metric({ namespace, metricName, dimensionsMap: { InferenceComponentName: this.#name } });
  }

  #network(vpc: IVpc): CfnEndpointConfig.VpcConfigProperty {
    const { securityGroupId } = new SecurityGroup(this, 'Instances', { vpc, description: 'instances of the endpoint' });
    return { subnets: vpc.privateSubnets.map(({ subnetId }) => subnetId), securityGroupIds: [securityGroupId] };
  }

  #errorAlarm(name: string): Alarm {
    const sum = (metricName: string) => this.metric(metricName).with(sumOfAMinute);
    // What finds no copy while the first one starts is answered 400, and is not among them.
    const metrics = { all: sum('Invocations'), failed: sum('Invocation5XXErrors') };
    return failureAlarm(this, 'Errors', name, { requests: 'the requests to its endpoint', metrics }, errorRule);
  }
}

const variant = 'gpu';
/** NVIDIA's driver 550: CUDA 12 of any minor version runs on it, and the default of older instances is 470, CUDA 11. */
const ami = 'al2-ami-sagemaker-inference-gpu-3-1';
/** Of one variable: SageMaker's API reference, ContainerDefinition. */
const mostCharacters = 1024;

function environmentOf({ bundle, environment }: Hosted): Record<string, string> {
  for (const [variable, value] of Object.entries(environment)) {
    if (value.length <= mostCharacters) continue;
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected ${variable} to have ${mostCharacters} characters or fewer with host: 'sagemaker', it has ${value.length}`,
      { remedy: 'Remove keys that nothing in use is signed with from models.keys.json, or use host: ecs.' },
    );
  }
  return { ...environment, AWS_REGION: Aws.REGION, GLOWPLUG_FUNCTION: bundle.name };
}
