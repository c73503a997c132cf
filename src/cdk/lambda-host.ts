// An endpoint on Lambda Managed Instances with a GPU: the image as a function, whose URL is signed with IAM.
import { Duration, RemovalPolicy, Size, Validations } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { InstanceType, type ISecurityGroup, type IVpc, SecurityGroup, type Vpc } from 'aws-cdk-lib/aws-ec2';
import { type Grant, type IGrantable, Role } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  CapacityProvider,
  CfnFunction,
  Code,
  type FunctionUrl,
  FunctionUrlAuthType,
  Handler,
  InstanceTypeFilter,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { writeContract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { errorRule } from '../observe/alarm-rule.ts';
import { errorAlarm } from './error-alarm.ts';
import { functionRole } from './function-role.ts';
import { gpuNetwork } from './gpu-network.ts';
import { type Gpu, gpus } from './gpus.ts';
import { type Hosted, markHosted, modelsOf } from './hosted.ts';
import { mustFitDisk } from './must-fit.ts';

/**
 * Lambda starts, patches and ends the instances, and scales by the use of the GPU and by how many requests are under way. It
 * does not scale as requests come: more than twice the load within five minutes is answered 429 in part, and from zero the
 * first answer takes minutes.
 */
export class LambdaHost extends Construct {
  readonly vpc: IVpc | Vpc;
  readonly capacityProvider: CapacityProvider;
  readonly function: LambdaFunction;
  readonly url: FunctionUrl;
  /** Of the function and of its instances. */
  readonly logGroup: LogGroup;
  readonly alarms: readonly Alarm[];

  /** @throws GlowplugError CONFIG_INVALID for memory that Lambda does not have, or models over its disk */
  constructor(scope: Construct, id: string, hosted: Hosted) {
    super(scope, id);
    const { bundle, props } = hosted;
    const { gpu = 'l4', minTargets = 0, maxTargets = 4, memorySize = 12_288, concurrency = 32 } = props;
    mustHoldMemory(memorySize, gpu);
    const diskMb = mustFitDisk(bundle);
    this.vpc = props.vpc ?? gpuNetwork(this);
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.capacityProvider = this.#capacity(gpus[gpu].family, maxTargets);
    const role = functionRole(this, {
      logGroup: this.logGroup,
      store: props.store,
      models: modelsOf(bundle),
      tracing: true,
      inVpc: false,
    });
    this.function = new LambdaFunction(this, 'Function', {
      runtime: Runtime.FROM_IMAGE,
      handler: Handler.FROM_IMAGE,
      code: Code.fromAssetImage(hosted.image.directory, hosted.image.options),
      architecture: Architecture.X86_64,
      description: `glowplug ${bundle.name} on a GPU`,
      memorySize,
      ephemeralStorageSize: Size.mebibytes(diskMb),
      // An init may take as long, in which a large model is fetched, opened and compared.
      timeout: Duration.minutes(5),
      loggingFormat: LoggingFormat.JSON,
      logGroup: this.logGroup,
      role,
      environment: {
        ...hosted.environment,
        // Every request meets every other, and each model is in the GPU's memory once.
        ...writeContract({ workers: 1 }),
        GLOWPLUG_FUNCTION: bundle.name,
      },
    });
    this.capacityProvider.addFunction(this.function, {
      publishToLatestPublished: true,
      perExecutionEnvironmentMaxConcurrency: concurrency,
      executionEnvironmentMemoryGiBPerVCpu: mbPerVcpu / 1024,
      latestPublishedScalingConfig: { minExecutionEnvironments: minTargets, maxExecutionEnvironments: maxTargets },
    });
    const resource = this.function.node.defaultChild;
    if (resource instanceof CfnFunction) {
      // As in InferenceFunction, the rights stand apart from others.
      resource.tracingConfig = { mode: 'Active' };
      // CDK knows it from 2.278 on, and the schema that it checks templates by as late.
      resource.addPropertyOverride('AcceleratorConfig', { AcceleratorMemorySize: gpus[gpu].gib });
      Validations.of(resource).acknowledge({
        id: 'CloudFormation-Validate::F3002',
        reason: 'AcceleratorConfig is documented, and newer than the schema.',
      });
      markHosted(resource, bundle);
    }
    this.url = this.function.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });
    this.alarms = [errorAlarm(this, 'Errors', { function: this.function, bundle }, errorRule)];
  }

  /** Lets someone ask its URL. */
  grantInvoke(grantee: IGrantable): Grant {
    return this.url.grantInvokeUrl(grantee);
  }

  #capacity(family: string, maxTargets: number): CapacityProvider {
    const securityGroup = new SecurityGroup(this, 'Instances', {
      vpc: this.vpc as IVpc,
      description: 'instances of the endpoint',
    });
    const capacity = new CapacityProvider(this, 'Capacity', {
      subnets: this.vpc.privateSubnets,
      securityGroups: [securityGroup as ISecurityGroup],
      architectures: [Architecture.X86_64],
      // Both have one GPU: where the smaller is out, or an environment does not fit, the larger is taken.
      instanceTypeFilter: InstanceTypeFilter.allow([
        new InstanceType(`${family}.xlarge`),
        new InstanceType(`${family}.2xlarge`),
      ]),
      // Lambda starts three when a version is first published, and where they do not fit it fails for good. While a version takes
      // another's place both have their instances.
      maxVCpuCount: 2 * Math.max(3, maxTargets) * vcpusOfLarger,
      logGroup: this.logGroup,
    });
    const operator = capacity.node.findChild('OperatorRole');
    // Without this right the log stays empty in silence, and AWS's policy may be about groups under /aws alone.
    if (operator instanceof Role) this.logGroup.grantWrite(operator);
    Validations.of(operator).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AWSLambdaManagedEC2ResourceOperator]',
      reason: 'AWS’s own policy for what Lambda does with managed instances, and what its documentation asks for.',
    });
    return capacity;
  }
}

/** Managed Instances know 2, 4 and 8 GiB; instances with one GPU have 4 or more. */
const mbPerVcpu = 4096;
const vcpusOfLarger = 8;

function mustHoldMemory(memorySize: number, gpu: Gpu): void {
  // Lambda's most; the larger instance has 32 GiB, of which some are its own, or with an l40s 64.
  const most = gpu === 'l40s' ? 32_768 : 28_672;
  if (memorySize % mbPerVcpu === 0 && memorySize >= mbPerVcpu && memorySize <= most) return;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected memorySize of 4096 to ${most} MB in steps of 4096 with host: 'lambda', got ${memorySize}`,
    { remedy: 'Set memorySize: 12288, which fits an instance of 16 GiB, or leave it out.' },
  );
}
