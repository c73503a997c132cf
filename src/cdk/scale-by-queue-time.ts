// How many targets an endpoint has: by how long runs wait, and none when nobody asks.
import { Duration } from 'aws-cdk-lib';
import {
  type AdjustmentTier,
  AdjustmentType,
  ScalableTarget,
  ServiceNamespace,
  StepScalingAction,
} from 'aws-cdk-lib/aws-applicationautoscaling';
import { Alarm, ComparisonOperator, MathExpression, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { ApplicationScalingAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Cluster, FargateService } from 'aws-cdk-lib/aws-ecs';
import { type ApplicationLoadBalancer, HttpCodeElb } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { queueTimeMetric } from '../observe/queue-time.ts';

export interface QueueTimeScaling {
  /** The name under which its servers write their queue time. */
  readonly endpoint: string;
  readonly cluster: Cluster;
  readonly service: FargateService;
  readonly loadBalancer: ApplicationLoadBalancer;
  readonly minTargets: number;
  readonly maxTargets: number;
  readonly queueMilliseconds: number;
  /** How long nobody asks before the last target goes; only with minTargets 0. */
  readonly idle: Duration;
}

export function scaleByQueueTime(scope: Construct, scaling: QueueTimeScaling): void {
  const { endpoint, cluster, service, minTargets, maxTargets, queueMilliseconds } = scaling;
  const target = new ScalableTarget(scope, 'Scaling', {
    serviceNamespace: ServiceNamespace.ECS,
    resourceId: `service/${cluster.clusterName}/${service.serviceName}`,
    scalableDimension: 'ecs:service:DesiredCount',
    minCapacity: minTargets,
    maxCapacity: maxTargets,
  });
  const { namespace, name, dimension } = queueTimeMetric;
  target.scaleToTrackMetric('QueueTime', {
    customMetric: new Metric({
      namespace,
      metricName: name,
      dimensionsMap: { [dimension]: endpoint },
      statistic: 'Average',
      period,
    }),
    targetValue: queueMilliseconds,
    scaleInCooldown: Duration.minutes(5),
    scaleOutCooldown: Duration.minutes(1),
  });
  if (minTargets === 0) fromZero(scope, target, scaling);
}

const period = Duration.minutes(1);

function fromZero(scope: Construct, target: ScalableTarget, scaling: QueueTimeScaling): void {
  const { endpoint, cluster, service, idle: silence } = scaling;
  const { metrics } = scaling.loadBalancer;
  const sum = { statistic: 'Sum', period };
  // What the load balancer answers by itself counts as no request, though somebody asked.
  const unheard = {
    fixed: metrics.httpFixedResponseCount(sum),
    refused: metrics.httpCodeElb(HttpCodeElb.ELB_4XX_COUNT, sum),
  };
  // ECS's own count, by Container Insights. Asleep it is 0, or none.
  const desired = new Metric({
    namespace: 'ECS/ContainerInsights',
    metricName: 'DesiredTaskCount',
    dimensionsMap: { ClusterName: cluster.clusterName, ServiceName: service.serviceName },
    statistic: 'Maximum',
    period,
  });
  const toZero = exactly(scope, 'ToZero', target, { adjustment: 0, upperBound: 0 });
  const idle = new Alarm(scope, 'Idle', {
    // Nobody asked in any of the minutes; no data is nobody, too. Asleep it is off: an alarm that stays on repeats its action each
    // minute, and would take the target back that the waker has just started.
    metric: new MathExpression({
      expression: 'IF(FILL(desired, 1) < 1, 1, FILL(requests, 0) + FILL(fixed, 0) + FILL(refused, 0))',
      usingMetrics: { desired, requests: metrics.requestCount(sum), ...unheard },
      period,
    }),
    alarmDescription: `${endpoint}: nobody asks its endpoint, and the last target goes`,
    threshold: 0,
    comparisonOperator: ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: Math.max(1, Math.round(silence.toMinutes())),
    treatMissingData: TreatMissingData.BREACHING,
  });
  idle.addAlarmAction(new ApplicationScalingAction(toZero));
  const toOne = exactly(scope, 'ToOne', target, { adjustment: 1, lowerBound: 0 });
  const unheardAlarm = new Alarm(scope, 'Unheard', {
    metric: new MathExpression({
      expression: 'IF(FILL(desired, 0) < 1, FILL(fixed, 0) + FILL(refused, 0), 0)',
      usingMetrics: { desired, ...unheard },
      period,
    }),
    alarmDescription: `${endpoint}: somebody asks with a body that the waker never sees, and the first target comes`,
    threshold: 0,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  unheardAlarm.addAlarmAction(new ApplicationScalingAction(toOne));
}

function exactly(scope: Construct, id: string, scalingTarget: ScalableTarget, tier: AdjustmentTier): StepScalingAction {
  const action = new StepScalingAction(scope, id, { scalingTarget, adjustmentType: AdjustmentType.EXACT_CAPACITY });
  action.addAdjustment(tier);
  return action;
}
