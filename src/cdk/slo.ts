// An objective of a function as alarms: fast and slow burn of its budget, each over two windows at once.
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmRule,
  AlarmState,
  ComparisonOperator,
  CompositeAlarm,
  type IAlarmAction,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';
import { type BurnRate, burnRates, burnThreshold } from '../observe/burn-rate.ts';

/** What is counted: both as sums over `period`. */
export interface SloMetrics {
  /** A CloudWatch expression over `using` and `all`. */
  readonly bad: string;
  readonly all: (period: Duration) => IMetric;
  readonly using: (period: Duration) => Readonly<Record<string, IMetric>>;
}

export interface SloProps {
  /** In words: `99.9 % of iris's requests are answered`. */
  readonly description: string;
  /** The share that is to be good, over 30 days: 0.999. */
  readonly objective: number;
  readonly metrics: SloMetrics;
  /** Told when a budget burns and when it does no more. @default nobody: the alarms are seen on the dashboard */
  readonly actions?: readonly IAlarmAction[];
}

/** Of a function or of an endpoint. */
export interface FunctionSlos {
  readonly availability: Slo;
  readonly latency: Slo;
}

/** Each burn is one composite alarm over two others; only the composite one tells anybody. */
export class Slo extends Construct {
  /** 2 % of the month's budget in an hour: wake somebody. */
  readonly fast: CompositeAlarm;
  /** 5 % in six hours: a ticket. */
  readonly slow: CompositeAlarm;
  /** The fast burn over its short window alone: what ends a rollout, which has no hour to wait. */
  readonly fastShort: Alarm;

  /** @throws GlowplugError CONFIG_INVALID for an objective that is none */
  constructor(scope: Construct, id: string, props: SloProps) {
    super(scope, id);
    const { objective } = props;
    if (!(objective > 0 && objective < 1)) {
      throw new GlowplugError('CONFIG_INVALID', `objective: expected a share over 0 and under 1, got ${objective}`, {
        remedy: '0.999 says that one of a thousand requests may be bad.',
      });
    }
    const fast = this.#burn('Fast', burnRates.fast, props);
    const slow = this.#burn('Slow', burnRates.slow, props);
    [this.fast, this.slow, this.fastShort] = [fast.alarm, slow.alarm, fast.short];
  }

  #burn(id: string, rate: BurnRate, { description, objective, metrics, actions = [] }: SloProps) {
    const over = (name: string, minutes: number) => {
      const period = Duration.minutes(minutes);
      return new Alarm(this, `${id}${name}`, {
        metric: new MathExpression({
          expression: `IF(FILL(all, 0) > 0, (${metrics.bad}) / all, 0)`,
          usingMetrics: { all: metrics.all(period), ...metrics.using(period) },
          label: `share of bad requests in ${minutes} min`,
          period,
        }),
        alarmDescription: `${description}: the budget burns ${rate.burn} times too fast, over ${minutes} min`,
        threshold: burnThreshold(objective, rate),
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
    };
    const [short, long] = [over('Short', rate.shortMinutes), over('Long', rate.longMinutes)];
    const inAlarm = (one: Alarm) => AlarmRule.fromAlarm(one, AlarmState.ALARM);
    const alarm = new CompositeAlarm(this, id, {
      alarmRule: AlarmRule.allOf(inAlarm(short), inAlarm(long)),
      alarmDescription: `${description}: the budget burns ${rate.burn} times too fast, for ${rate.longMinutes} min and still now`,
    });
    alarm.addAlarmAction(...actions);
    alarm.addOkAction(...actions);
    return { alarm, short };
  }
}
