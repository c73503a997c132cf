// How many copies a SageMaker endpoint has: by requests under way in each, none when nobody asks, and one when somebody does.
// Source: SageMaker AI Developer Guide, "Scale an endpoint to zero instances".
import { Duration } from 'aws-cdk-lib';
import {
  AdjustmentType,
  PredefinedMetric,
  ScalableTarget,
  ServiceNamespace,
  StepScalingAction,
} from 'aws-cdk-lib/aws-applicationautoscaling';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { ApplicationScalingAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { CfnInferenceComponent } from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';

export interface CopyScaling {
  readonly component: CfnInferenceComponent;
  readonly name: string;
  readonly minTargets: number;
  readonly maxTargets: number;
  /** Requests under way in a copy, on average. */
  readonly concurrency: number;
}

export function scaleCopies(
  scope: Construct,
  { component, name, minTargets, maxTargets, concurrency }: CopyScaling,
): void {
  const target = new ScalableTarget(scope, 'Scaling', {
    serviceNamespace: ServiceNamespace.SAGEMAKER,
    resourceId: `inference-component/${name}`,
    scalableDimension: 'sagemaker:inference-component:DesiredCopyCount',
    minCapacity: minTargets,
    maxCapacity: maxTargets,
  });
  target.node.addDependency(component);
  target.scaleToTrackMetric('Requests', {
    predefinedMetric: PredefinedMetric.SAGEMAKER_INFERENCE_COMPONENT_CONCURRENT_REQUESTS_PER_COPY_HIGH_RESOLUTION,
    targetValue: concurrency,
    scaleInCooldown: Duration.minutes(5),
    scaleOutCooldown: Duration.minutes(1),
  });
  if (minTargets > 0) return;
  // What tracks a mean over copies cannot leave zero.
  const fromZero = new StepScalingAction(scope, 'FromZero', {
    scalingTarget: target,
    // Not one more: those who ask again while it starts would start one each minute.
    adjustmentType: AdjustmentType.EXACT_CAPACITY,
    cooldown: Duration.minutes(1),
  });
  fromZero.addAdjustment({ adjustment: 1, lowerBound: 0 });
  const refused = new Alarm(scope, 'Asked', {
    metric: new Metric({
      namespace: 'AWS/SageMaker',
      metricName: 'NoCapacityInvocationFailures',
      dimensionsMap: { InferenceComponentName: name },
      statistic: 'Sum',
      period: Duration.minutes(1),
    }),
    alarmDescription: 'somebody asks the endpoint while no copy runs, and the first one starts',
    threshold: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  refused.addAlarmAction(new ApplicationScalingAction(fromZero));
}
