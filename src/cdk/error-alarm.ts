// An AlarmRule as CloudWatch's alarm: failed requests among all, over the URL and by direct invocation.
import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { AlarmRule } from '../observe/alarm-rule.ts';

/** An InferenceFunction, or whatever else of glowplug's runs on Lambda. */
export interface Alarmed {
  readonly function: IFunction;
  readonly bundle: { readonly name: string };
}

export function errorAlarm(scope: Construct, id: string, of: Alarmed, rule: AlarmRule): Alarm {
  const period = Duration.minutes(1);
  const sum = (name: string) => of.function.metric(name, { statistic: 'Sum', period });
  // A 500 that the function answers is no error to Lambda; a crash is none to nobody. Where both count, it is one request.
  const failed = 'MAX([FILL(refused, 0), FILL(crashed, 0)])';
  return new Alarm(scope, id, {
    metric: new MathExpression({
      expression: `IF(FILL(all, 0) >= ${rule.atLeast}, ${failed} / all, 0)`,
      usingMetrics: { all: sum('Invocations'), crashed: sum('Errors'), refused: sum('Url5xxCount') },
      label: 'share of requests that failed',
      period,
    }),
    alarmDescription: `${of.bundle.name}: over ${rule.above * 100} % of its requests fail`,
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
