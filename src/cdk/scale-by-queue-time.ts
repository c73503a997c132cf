// How many targets an endpoint has: by how long runs wait, and none when nobody asks.
import { Duration } from 'aws-cdk-lib';
import {
  AdjustmentType,
  ScalableTarget,
  ServiceNamespace,
  StepScalingAction,
} from 'aws-cdk-lib/aws-applicationautoscaling';
import { Alarm, ComparisonOperator, MathExpression, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { ApplicationScalingAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Cluster, FargateService } from 'aws-cdk-lib/aws-ecs';
import type { ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
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
  const {
    endpoint,
    cluster,
    service,
    loadBalancer,
    minTargets,
    maxTargets,
    queueMilliseconds,
    idle: silence,
  } = scaling;
  const target = new ScalableTarget(scope, 'Scaling', {
    serviceNamespace: ServiceNamespace.ECS,
    resourceId: `service/${cluster.clusterName}/${service.serviceName}`,
    scalableDimension: 'ecs:service:DesiredCount',
    minCapacity: minTargets,
    maxCapacity: maxTargets,
  });
  const { namespace, name, dimension } = queueTimeMetric;
  const period = Duration.minutes(1);
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
  if (minTargets > 0) return;
  const toZero = new StepScalingAction(scope, 'ToZero', {
    scalingTarget: target,
    adjustmentType: AdjustmentType.EXACT_CAPACITY,
  });
  toZero.addAdjustment({ adjustment: 0, upperBound: 0 });
  const requests = loadBalancer.metrics.requestCount({ statistic: 'Sum', period });
  const idle = new Alarm(scope, 'Idle', {
    // Nobody asked in any of the minutes; no data is nobody, too.
    metric: new MathExpression({ expression: 'FILL(requests, 0)', usingMetrics: { requests }, period }),
    alarmDescription: `${endpoint}: nobody asks its endpoint, and the last target goes`,
    threshold: 0,
    comparisonOperator: ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: Math.max(1, Math.round(silence.toMinutes())),
    treatMissingData: TreatMissingData.BREACHING,
  });
  idle.addAlarmAction(new ApplicationScalingAction(toZero));
}
