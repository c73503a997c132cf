// A function of the app on GPUs: the same bundle in a container on ECS Managed Instances, from zero targets up.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Aws, Duration, RemovalPolicy, Size, Validations } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import {
  AcceleratorManufacturer,
  AcceleratorType,
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AlarmBehavior,
  CapacityOptionType,
  Cluster,
  Compatibility,
  ContainerImage,
  ContainerInsights,
  Secret as ContainerSecret,
  FargateService,
  type ICluster,
  LogDrivers,
  ManagedInstancesCapacityProvider,
  NetworkMode,
  TaskDefinition,
} from 'aws-cdk-lib/aws-ecs';
import {
  type ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { bundleFunction, type FunctionBundle } from '../build/bundle-function.ts';
import { projectRoot } from '../build/project.ts';
import { writeContract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { explainWildcard } from './explain.ts';
import type { GpuEndpointProps } from './gpu-endpoint-props.ts';
import { type Gpu, gpus, mustOffer } from './gpus.ts';
import { mustFitGpu } from './must-fit-gpu.ts';
import { scaleByQueueTime } from './scale-by-queue-time.ts';
import { trustedKeysFor } from './trusted-keys-for.ts';
import { Waker } from './waker.ts';
import { warnUngated } from './warn-ungated.ts';

/**
 * An internal load balancer, targets that scale by how long runs wait, and a waker that answers 503 with Retry-After while
 * the first one starts.
 *
 * @example
 * new GpuEndpoint(this, 'Ocr', { function: 'functions/ocr', store });
 */
export class GpuEndpoint extends Construct {
  readonly vpc: IVpc | Vpc;
  readonly cluster: Cluster;
  readonly service: FargateService;
  readonly taskDefinition: TaskDefinition;
  readonly loadBalancer: ApplicationLoadBalancer;
  readonly listener: ApplicationListener;
  readonly apiKeys: ISecret | Secret;
  readonly logGroup: LogGroup;
  /** Errors and unhealthy targets: they also end a deployment and take it back. */
  readonly alarms: readonly Alarm[];
  /** Undefined where a target always runs. */
  readonly waker: Waker | undefined;
  readonly bundle: FunctionBundle;

  /** @throws GlowplugError CONFIG_INVALID for a region without the GPU, a model over its memory, an image that is not there */
  constructor(scope: Construct, id: string, props: GpuEndpointProps) {
    super(scope, id);
    const { gpu = 'l4', minTargets = 0, maxTargets = 4, store, spot = false } = props;
    mustOffer(this, gpu, props.moreRegions ?? []);
    const root = props.root ?? projectRoot();
    this.bundle = bundleFunction({ entry: join(root, props.function, 'function.ts'), root });
    mustFitGpu(this.bundle, gpu);
    warnUngated(this, this.bundle, 'gpu', root);
    if (minTargets > maxTargets || maxTargets < 1) {
      throw new GlowplugError(
        'CONFIG_INVALID',
        `expected minTargets of at most maxTargets, got ${minTargets} and ${maxTargets}`,
        {
          remedy: 'Set maxTargets to 1 or more, and minTargets no higher.',
        },
      );
    }
    this.vpc = props.vpc ?? this.#network();
    // CDK's own classes are not written for exactOptionalPropertyTypes: here and below, a class has what its interface has.
    this.cluster = new Cluster(this, 'Cluster', {
      vpc: this.vpc as IVpc,
      containerInsightsV2: ContainerInsights.ENABLED,
    });
    const capacity = this.#capacity(gpu, spot, props.memorySize ?? 14_336, props.vcpus ?? 4);
    this.apiKeys =
      props.apiKeys ?? new Secret(this, 'ApiKeys', { description: `keys of the clients of ${this.bundle.name}` });
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.taskDefinition = this.#task(props, root);
    store.grantRead(
      this.taskDefinition.taskRole,
      Object.values(this.bundle.lock.models).map(({ model }) => model),
    );

    this.loadBalancer = new ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc: this.vpc as IVpc,
      dropInvalidHeaderFields: true,
    });
    this.listener = this.loadBalancer.addListener('Listener', {
      protocol: props.certificate ? ApplicationProtocol.HTTPS : ApplicationProtocol.HTTP,
      open: false,
      ...(props.certificate ? { certificates: [props.certificate] } : {}),
    });
    this.loadBalancer.connections.allowFrom(Peer.ipv4(this.vpc.vpcCidrBlock), Port.tcp(props.certificate ? 443 : 80));
    this.alarms = [this.#errorAlarm()];
    this.service = new FargateService(this, 'Service', {
      cluster: this.cluster as ICluster,
      taskDefinition: this.taskDefinition,
      capacityProviderStrategies: [{ capacityProvider: capacity.capacityProviderName, weight: 1 }],
      circuitBreaker: { enable: true, rollback: true },
      deploymentAlarms: {
        alarmNames: this.alarms.map(({ alarmName }) => alarmName),
        behavior: AlarmBehavior.ROLLBACK_ON_ALARM,
      },
      // The new one first: a GPU that is not there yet must not take the old one away.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      healthCheckGracePeriod: Duration.minutes(10),
    });
    this.service.node.addDependency(capacity);
    this.listener.addTargets('Targets', {
      protocol: ApplicationProtocol.HTTP,
      port,
      targets: [this.service],
      deregistrationDelay: Duration.seconds(drainSeconds),
      healthCheck: { path: '/v2/health/ready', interval: Duration.seconds(10), timeout: Duration.seconds(5) },
    });
    scaleByQueueTime(this, {
      endpoint: this.bundle.name,
      cluster: this.cluster,
      service: this.service,
      loadBalancer: this.loadBalancer,
      minTargets,
      maxTargets,
      queueMilliseconds: props.queueMilliseconds ?? 50,
      idle: props.idle ?? Duration.minutes(15),
    });
    this.waker =
      minTargets > 0
        ? undefined
        : new Waker(this, 'Waker', {
            cluster: this.cluster as ICluster,
            service: this.service,
            listener: this.listener,
            root,
          });
    this.#explain(capacity);
  }

  #network(): Vpc {
    const vpc = new Vpc(this, 'Vpc', { maxAzs: 2, natGateways: 1 });
    vpc.addGatewayEndpoint('Store', { service: GatewayVpcEndpointAwsService.S3 });
    const logs = new LogGroup(this, 'FlowLogs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    vpc.addFlowLog('Flow', { destination: FlowLogDestination.toCloudWatchLogs(logs) });
    return vpc;
  }

  #capacity(gpu: Gpu, spot: boolean, memory: number, vcpus: number): ManagedInstancesCapacityProvider {
    const securityGroup = new SecurityGroup(this, 'Instances', {
      vpc: this.vpc as IVpc,
      description: 'instances of the endpoint',
    });
    const capacity = new ManagedInstancesCapacityProvider(this, 'Capacity', {
      subnets: this.vpc.privateSubnets,
      securityGroups: [securityGroup],
      capacityOptionType: spot ? CapacityOptionType.SPOT : CapacityOptionType.ON_DEMAND,
      instanceRequirements: {
        vCpuCountMin: vcpus,
        memoryMin: Size.mebibytes(memory),
        acceleratorCountMin: 1,
        acceleratorCountMax: 1,
        acceleratorTypes: [AcceleratorType.GPU],
        acceleratorManufacturers: [AcceleratorManufacturer.NVIDIA],
        acceleratorNames: [gpus[gpu].accelerator],
      },
    });
    this.cluster.addManagedInstancesCapacityProvider(capacity);
    return capacity;
  }

  #task(props: GpuEndpointProps, root: string): TaskDefinition {
    const { memorySize = 14_336, vcpus = 4, store, stage = 'dev' } = props;
    const folder = resolve(root, props.image ?? 'images/gpu');
    if (!existsSync(join(folder, 'Dockerfile'))) {
      throw new GlowplugError('CONFIG_INVALID', `expected a Dockerfile in ${folder}, found none`, {
        remedy: 'Copy images/gpu of glowplug’s repository into the app, or name the folder that has it: image.',
      });
    }
    const task = new TaskDefinition(this, 'Task', {
      compatibility: Compatibility.MANAGED_INSTANCES,
      networkMode: NetworkMode.AWS_VPC,
      cpu: `${vcpus * 1024}`,
      memoryMiB: `${memorySize}`,
    });
    task.addContainer('server', {
      image: ContainerImage.fromAsset(root, {
        file: join(folder, 'Dockerfile').slice(root.length + 1),
        target: 'gpu',
        platform: Platform.LINUX_AMD64,
        exclude: ['node_modules', 'dist', 'cdk.out', '.git', '.glowplug', '**/*.key.json', '**/.env*'],
        ...(props.buildArgs ? { buildArgs: { ...props.buildArgs } } : {}),
      }),
      command: [`functions/${this.bundle.name}`, '--drain', `${drainSeconds}`],
      gpuCount: 1,
      portMappings: [{ containerPort: port }],
      environment: {
        ...writeContract({
          store: store.location,
          stage,
          trustedKeys: trustedKeysFor(this, store, this.bundle, root),
        }),
        GLOWPLUG_ENDPOINT: this.bundle.name,
      },
      secrets: { GLOWPLUG_API_KEYS: ContainerSecret.fromSecretsManager(this.apiKeys as ISecret) },
      logging: LogDrivers.awsLogs({ logGroup: this.logGroup, streamPrefix: 'server' }),
      // ECS's longest, and the notice that spot gives.
      stopTimeout: Duration.seconds(120),
    });
    return task;
  }

  #errorAlarm(): Alarm {
    const { metrics } = this.loadBalancer;
    const period = Duration.minutes(1);
    // The waker's 503 are the load balancer's word for asleep, and count as the target's own elsewhere.
    const failed = metrics.custom('HTTPCode_Target_5XX_Count', { statistic: 'Sum', period });
    return new Alarm(this, 'Errors', {
      metric: new MathExpression({
        expression: 'IF(FILL(all, 0) >= 20, FILL(failed, 0) / all, 0)',
        usingMetrics: { all: metrics.requestCount({ statistic: 'Sum', period }), failed },
        label: 'share of requests that failed',
        period,
      }),
      alarmDescription: `${this.bundle.name}: over 2 % of the requests to its endpoint fail`,
      threshold: 0.02,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      // A waking endpoint answers 503 for some minutes, which is no outage.
      evaluationPeriods: 10,
      datapointsToAlarm: 8,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  #explain(capacity: ManagedInstancesCapacityProvider): void {
    Validations.of(capacity.infrastructureRole).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances]',
      reason: 'AWS’s own policy for what ECS does with managed instances, and what its documentation asks for.',
    });
    const instances =
      'CDK’s own role of the instances, by which they register with ECS: what they are called, AWS decides.';
    explainWildcard(capacity, '*', instances);
    explainWildcard(
      capacity,
      `arn:${Aws.PARTITION}:ecs:${Aws.REGION}:${Aws.ACCOUNT_ID}:container-instance/*`,
      instances,
    );
    Validations.of(this.loadBalancer).acknowledge({
      id: 'AwsSolutions-EC23',
      reason: 'cdk-nag cannot read a range that is a token: it is the VPC’s own.',
    });
    Validations.of(this.loadBalancer).acknowledge({
      id: 'AwsSolutions-ELB2',
      reason: 'It is reached from its VPC alone; who asked what stands in the server’s own log.',
    });
    Validations.of(this.taskDefinition).acknowledge({
      id: 'AwsSolutions-ECS2',
      reason: 'The environment holds the store, the stage and the endpoint’s name; the keys come from Secrets Manager.',
    });
    const { executionRole } = this.taskDefinition;
    if (executionRole) explainWildcard(executionRole, '*', 'ecr:GetAuthorizationToken can be allowed for * alone.');
    Validations.of(this.apiKeys).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Clients hold the keys: who exchanges them tells the clients first. Several are valid at once.',
    });
  }
}

const port = 8080;
/** Under the 120 seconds that ECS and spot give; the load balancer waits as long. */
const drainSeconds = 100;
