// An endpoint on ECS Managed Instances: a load balancer of its network, targets with a GPU, from none up.
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { type IVpc, Peer, Port, type Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  AlarmBehavior,
  Cluster,
  ContainerInsights,
  DeploymentStrategy,
  FargateService,
  type ICluster,
  type TaskDefinition,
} from 'aws-cdk-lib/aws-ecs';
import {
  type ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';
import { errorRule } from '../observe/alarm-rule.ts';
import { apiKeysOf } from './api-keys-of.ts';
import { BlueGreen } from './blue-green.ts';
import { ecsCapacity } from './ecs-capacity.ts';
import { drainSeconds, ecsPort, ecsTask } from './ecs-task.ts';
import { EndpointApi } from './endpoint-api.ts';
import { failureAlarm, sumOfAMinute } from './error-alarm.ts';
import { goldenSample } from './golden-sample.ts';
import type { GpuEndpointProps } from './gpu-endpoint-props.ts';
import { gpuNetwork } from './gpu-network.ts';
import type { Hosted } from './hosted.ts';
import { scaleByQueueTime } from './scale-by-queue-time.ts';
import { Waker } from './waker.ts';

/**
 * An internal load balancer, targets that scale by how long runs wait, and a waker that answers 503 with Retry-After while
 * the first one starts. With `front: 'api'` an API Gateway HTTP API before it, which takes and answers at most 10 MB and waits
 * 30 seconds.
 */
export class EcsHost extends Construct {
  readonly vpc: IVpc | Vpc;
  readonly cluster: Cluster;
  readonly service: FargateService;
  readonly taskDefinition: TaskDefinition;
  readonly loadBalancer: ApplicationLoadBalancer;
  readonly listener: ApplicationListener;
  /** Undefined where no keys are asked for. */
  readonly apiKeys: ISecret | Secret | undefined;
  /** Undefined with `front: 'load-balancer'`. */
  readonly api: EndpointApi | undefined;
  readonly logGroup: LogGroup;
  /** Errors and unhealthy targets: they also end a deployment and take it back. */
  readonly alarms: readonly Alarm[];
  /** Undefined where a target always runs. */
  readonly waker: Waker | undefined;
  /** Undefined from zero, where new targets replace the old ones one by one. */
  readonly blueGreen: BlueGreen | undefined;

  /** @throws GlowplugError CONFIG_INVALID for what does not go together, and without the golden sample that was asked for */
  constructor(scope: Construct, id: string, hosted: Hosted) {
    super(scope, id);
    mustAgree(hosted.props);
    const { bundle, props, root } = hosted;
    const { gpu = 'l4', spot = false, memorySize = 14_336, vcpus = 4, minTargets = 0, maxTargets = 4 } = props;
    const { front = 'load-balancer' } = props;
    this.vpc = props.vpc ?? gpuNetwork(this);
    // CDK's own classes are not written for exactOptionalPropertyTypes: here and below, a class has what its interface has.
    const vpc = this.vpc as IVpc;
    this.cluster = new Cluster(this, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.ENABLED });
    // Of this account and region alone: two stages may both have an ocr.
    const endpoint = this.cluster.clusterName;
    const capacity = ecsCapacity(this, { cluster: this.cluster, vpc, gpu, spot, memorySize, vcpus });
    const serverKeys = front === 'api' ? undefined : (apiKeysOf(this, props.apiKeys, bundle.name) as ISecret);
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.taskDefinition = ecsTask(this, {
      hosted,
      endpoint,
      memorySize,
      vcpus,
      apiKeys: serverKeys,
      logGroup: this.logGroup,
    });
    this.loadBalancer = new ApplicationLoadBalancer(this, 'LoadBalancer', { vpc, dropInvalidHeaderFields: true });
    this.listener = this.loadBalancer.addListener('Listener', {
      protocol: props.certificate ? ApplicationProtocol.HTTPS : ApplicationProtocol.HTTP,
      open: false,
      ...(props.certificate ? { certificates: [props.certificate] } : {}),
    });
    const { loadBalancer, listener } = this;
    this.api =
      front === 'api' ? new EndpointApi(this, 'Front', { ...props.api, vpc, loadBalancer, listener, root }) : undefined;
    this.apiKeys = serverKeys ?? this.api?.apiKeys;
    if (!this.api) this.#openToNetwork(vpc.vpcCidrBlock, props.certificate ? 443 : 80);
    this.alarms = [this.#errorAlarm(bundle.name, minTargets)];
    this.service = new FargateService(this, 'Service', {
      cluster: this.cluster as ICluster,
      taskDefinition: this.taskDefinition,
      capacityProviderStrategies: [{ capacityProvider: capacity.capacityProviderName, weight: 1 }],
      circuitBreaker: { enable: true, rollback: true },
      ...(minTargets > 0 ? { deploymentStrategy: DeploymentStrategy.BLUE_GREEN, bakeTime } : {}),
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
    const group = {
      protocol: ApplicationProtocol.HTTP,
      port: ecsPort,
      deregistrationDelay: Duration.seconds(drainSeconds),
      healthCheck: { path: '/v2/health/ready', interval: Duration.seconds(10), timeout: Duration.seconds(5) },
    };
    const targets = listener.addTargets('Targets', group);
    this.blueGreen =
      minTargets > 0
        ? new BlueGreen(this, 'BlueGreen', {
            name: bundle.name,
            vpc,
            service: this.service,
            loadBalancer,
            listener,
            groups: [
              targets,
              new ApplicationTargetGroup(this, 'OtherTargets', { ...group, vpc, targetType: TargetType.IP }),
            ],
            sample: goldenSample(hosted.entry, bundle.name, props.golden),
            apiKeys: serverKeys,
            root,
          })
        : undefined;
    targets.addTarget(this.blueGreen?.target ?? this.service);
    scaleByQueueTime(this, {
      endpoint,
      cluster: this.cluster,
      service: this.service,
      loadBalancer,
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

  /** Lets someone ask: by IAM, or by a key that it may then read. */
  grantInvoke(grantee: IGrantable): void {
    if (this.api) this.api.grantInvoke(grantee);
    else this.apiKeys?.grantRead(grantee);
  }

  #openToNetwork(range: string, port: number): void {
    this.loadBalancer.connections.allowFrom(Peer.ipv4(range), Port.tcp(port));
    Validations.of(this.loadBalancer).acknowledge({
      id: 'AwsSolutions-EC23',
      reason: 'cdk-nag cannot read a range that is a token: it is the VPC’s own.',
    });
  }

  #errorAlarm(name: string, minTargets: number): Alarm {
    const { metrics } = this.loadBalancer;
    // What takes longer than the API waits is a failure there alone.
    const [all, failed] = this.api
      ? [this.api.api.metricCount(sumOfAMinute), this.api.api.metricServerError(sumOfAMinute)]
      : [metrics.requestCount(sumOfAMinute), metrics.custom('HTTPCode_Target_5XX_Count', sumOfAMinute)];
    const counted = { requests: 'the requests to its endpoint', metrics: { all, failed } };
    // A waking endpoint answers 503 for some minutes, which is no outage; one that never sleeps has to tell within the bake time.
    const minutes = minTargets > 0 ? { bad: 2, of: 3 } : { bad: 8, of: 10 };
    return failureAlarm(this, 'Errors', name, counted, { ...errorRule, ...minutes });
  }

  #explain(): void {
    Validations.of(this.loadBalancer).acknowledge({
      id: 'AwsSolutions-ELB2',
      reason: 'It is reached from its VPC alone; who asked what stands in the server’s own log.',
    });
  }
}

function mustAgree(props: GpuEndpointProps): void {
  const { front = 'load-balancer', api, apiKeys, certificate, golden, minTargets = 0 } = props;
  const behindApi = front === 'api';
  const wrong = [
    [behindApi && apiKeys, "apiKeys with front: 'api'", 'The API asks for them: api: { auth: { keys } }.'],
    [behindApi && certificate, "certificate with front: 'api'", 'TLS ends at the API: api: { domain }.'],
    [!behindApi && api, "api with front: 'load-balancer'", "Say front: 'api', or leave api out."],
    [
      golden && minTargets === 0,
      'golden with minTargets: 0',
      'While nothing runs nobody can be asked: set minTargets.',
    ],
  ] as const;
  for (const [is, what, remedy] of wrong) {
    if (is) throw new GlowplugError('CONFIG_INVALID', `expected no ${what}`, { remedy });
  }
}

/** In which the old targets stay and an alarm sends requests back to them: three evaluations of it, and time to look. */
const bakeTime = Duration.minutes(10);
