// An endpoint on ECS Managed Instances: a load balancer of its network, targets with a GPU, from none up.
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { type IVpc, Peer, Port, type Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  AlarmBehavior,
  Cluster,
  ContainerInsights,
  FargateService,
  type ICluster,
  type TaskDefinition,
} from 'aws-cdk-lib/aws-ecs';
import {
  type ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { ecsCapacity } from './ecs-capacity.ts';
import { drainSeconds, ecsPort, ecsTask } from './ecs-task.ts';
import { gpuNetwork } from './gpu-network.ts';
import type { Hosted } from './hosted.ts';
import { scaleByQueueTime } from './scale-by-queue-time.ts';
import { Waker } from './waker.ts';

/**
 * An internal load balancer, targets that scale by how long runs wait, and a waker that answers 503 with Retry-After while
 * the first one starts.
 */
export class EcsHost extends Construct {
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

  constructor(scope: Construct, id: string, hosted: Hosted) {
    super(scope, id);
    const { bundle, props, root } = hosted;
    const { gpu = 'l4', spot = false, memorySize = 14_336, vcpus = 4, minTargets = 0, maxTargets = 4 } = props;
    this.vpc = props.vpc ?? gpuNetwork(this);
    // CDK's own classes are not written for exactOptionalPropertyTypes: here and below, a class has what its interface has.
    const vpc = this.vpc as IVpc;
    this.cluster = new Cluster(this, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.ENABLED });
    const capacity = ecsCapacity(this, { cluster: this.cluster, vpc, gpu, spot, memorySize, vcpus });
    this.apiKeys =
      props.apiKeys ?? new Secret(this, 'ApiKeys', { description: `keys of the clients of ${bundle.name}` });
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.taskDefinition = ecsTask(this, {
      hosted,
      memorySize,
      vcpus,
      apiKeys: this.apiKeys as ISecret,
      logGroup: this.logGroup,
    });
    this.loadBalancer = new ApplicationLoadBalancer(this, 'LoadBalancer', { vpc, dropInvalidHeaderFields: true });
    this.listener = this.loadBalancer.addListener('Listener', {
      protocol: props.certificate ? ApplicationProtocol.HTTPS : ApplicationProtocol.HTTP,
      open: false,
      ...(props.certificate ? { certificates: [props.certificate] } : {}),
    });
    this.loadBalancer.connections.allowFrom(Peer.ipv4(vpc.vpcCidrBlock), Port.tcp(props.certificate ? 443 : 80));
    this.alarms = [this.#errorAlarm(bundle.name)];
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
      port: ecsPort,
      targets: [this.service],
      deregistrationDelay: Duration.seconds(drainSeconds),
      healthCheck: { path: '/v2/health/ready', interval: Duration.seconds(10), timeout: Duration.seconds(5) },
    });
    scaleByQueueTime(this, {
      endpoint: bundle.name,
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
    this.#explain();
  }

  #errorAlarm(name: string): Alarm {
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
      alarmDescription: `${name}: over 2 % of the requests to its endpoint fail`,
      threshold: 0.02,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      // A waking endpoint answers 503 for some minutes, which is no outage.
      evaluationPeriods: 10,
      datapointsToAlarm: 8,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  #explain(): void {
    Validations.of(this.loadBalancer).acknowledge({
      id: 'AwsSolutions-EC23',
      reason: 'cdk-nag cannot read a range that is a token: it is the VPC’s own.',
    });
    Validations.of(this.loadBalancer).acknowledge({
      id: 'AwsSolutions-ELB2',
      reason: 'It is reached from its VPC alone; who asked what stands in the server’s own log.',
    });
    Validations.of(this.apiKeys).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Clients hold the keys: who exchanges them tells the clients first. Several are valid at once.',
    });
  }
}
