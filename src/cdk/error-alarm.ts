// An AlarmRule as CloudWatch's alarm: failed requests among all, of a function or of an endpoint.
import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { AlarmRule } from '../observe/alarm-rule.ts';

/** An InferenceFunction, or whatever else of glowplug's runs on Lambda. */
export interface Alarmed {
  readonly function: IFunction;
  readonly bundle: { readonly name: string };
}

/** Over the URL and by direct invocation. */
export function errorAlarm(scope: Construct, id: string, of: Alarmed, rule: AlarmRule): Alarm {
  const sum = (name: string) => of.function.metric(name, sumOfAMinute);
  const counted: Failures = {
    requests: 'its requests',
    metrics: { all: sum('Invocations'), crashed: sum('Errors'), refused: sum('Url5xxCount') },
    // A 500 that the function answers is no error to Lambda; a crash is none to nobody. Where both count, it is one request.
    failed: 'MAX([FILL(refused, 0), FILL(crashed, 0)])',
  };
  return failureAlarm(scope, id, of.bundle.name, counted, rule);
}

/** The period of every metric that a `failureAlarm` is over. */
export const sumOfAMinute = { statistic: 'Sum', period: Duration.minutes(1) };

export interface Failures {
  /** In words: `its requests`. */
  readonly requests: string;
  /** `all`, and what `failed` names. */
  readonly metrics: Readonly<Record<string, IMetric>>;
  /** CloudWatch's expression over `metrics`. @default that of the metric `failed` */
  readonly failed?: string;
}

export function failureAlarm(
  scope: Construct,
  id: string,
  name: string,
  { requests, metrics, failed = 'FILL(failed, 0)' }: Failures,
  rule: AlarmRule,
): Alarm {
  return new Alarm(scope, id, {
    metric: new MathExpression({
      expression: `IF(FILL(all, 0) >= ${rule.atLeast}, ${failed} / all, 0)`,
      usingMetrics: metrics,
      label: 'share of requests that failed',
      period: sumOfAMinute.period,
    }),
    alarmDescription: `${name}: over ${rule.above * 100} % of ${requests} fail`,
    threshold: rule.above,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: rule.of,
    datapointsToAlarm: rule.bad,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
}

export function latencyAlarm(scope: Construct, id: string, of: Alarmed, limit: Duration): Alarm {
  return new Alarm(scope, id, {
    metric: of.function.metric('Duration', { statistic: 'p99', period: Duration.minutes(1) }),
    alarmDescription: `${of.bundle.name}: one of a hundred requests takes over ${limit.toMilliseconds()} ms`,
    threshold: limit.toMilliseconds(),
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: 3,
    datapointsToAlarm: 2,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
}
