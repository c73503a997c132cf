// What people look at: of each function its requests, faults, latency, cold starts, batches, versions and cost; and its objectives.
import { Aws, Duration } from 'aws-cdk-lib';
import { type Alarm, Dashboard, type IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';
import { functionRows, qualityRow, queueRow } from './dashboard-rows.ts';
import type { InferenceFunction } from './inference-function.ts';
import type { QualityMonitor } from './quality-monitor.ts';
import { Slo } from './slo.ts';

export interface Objectives {
  /** The share of requests that is answered with no fault of ours: not by a 5xx, a crash or a timeout. @default 0.999 */
  readonly availability?: number;
  /** What counts as in time. @default half of the function's timeout */
  readonly latency?: Duration;
  /** The share of requests that is answered in that time. @default 0.99 */
  readonly inTime?: number;
}

export interface InferenceDashboardProps {
  readonly functions: readonly InferenceFunction[];
  /** @default CloudFormation's choice */
  readonly dashboardName?: string;
  /** Of every function. @default those of Objectives */
  readonly objectives?: Objectives;
  /** Of single functions, by name: what is said here goes before `objectives`. @default none */
  readonly objectivesOf?: Readonly<Record<string, Objectives>>;
  /** Of functions that are here: what they found stands below, and `page` is told of their alarms. @default none */
  readonly monitors?: readonly QualityMonitor[];
  /** Told when a budget burns and when it does no more; a topic is made to let CloudWatch in. @default nobody */
  readonly page?: readonly (IAlarmAction | Topic)[];
}

export interface FunctionSlos {
  readonly availability: Slo;
  readonly latency: Slo;
}

/**
 * A dashboard, and objectives as alarms on how fast their budgets burn.
 *
 * @example
 * const dashboard = new InferenceDashboard(this, 'Dashboard', { functions: [iris], page: [topic] });
 * new Rollout(this, 'Rollout', { function: iris, alarms: [dashboard.slos(iris).availability.fastShort] });
 */
export class InferenceDashboard extends Construct {
  readonly dashboard: Dashboard;
  readonly #slos = new Map<InferenceFunction, FunctionSlos>();

  /** @throws GlowplugError CONFIG_INVALID for objectives that are none, or of a function that is not here */
  constructor(scope: Construct, id: string, props: InferenceDashboardProps) {
    super(scope, id);
    const { functions, dashboardName, objectives, objectivesOf = {}, monitors = [] } = props;
    const page = (props.page ?? []).map(actionOf);
    const names = functions.map(({ bundle }) => bundle.name);
    const stranger = Object.keys(objectivesOf).find((name) => !names.includes(name));
    if (stranger !== undefined) {
      throw new GlowplugError('CONFIG_INVALID', `objectivesOf: expected one of ${names.join(', ')}; got ${stranger}`, {
        remedy: 'Write the name of a function that is on the dashboard.',
      });
    }
    this.dashboard = new Dashboard(this, 'Dashboard', {
      ...(dashboardName === undefined ? {} : { dashboardName }),
      defaultInterval: Duration.days(1),
    });
    const tell = (alarms: readonly Alarm[]) => {
      for (const alarm of alarms) {
        alarm.addAlarmAction(...page);
        alarm.addOkAction(...page);
      }
    };
    for (const of of functions) {
      const { name } = of.bundle;
      const slos = slosOf(new Construct(this, name), of, { ...objectives, ...objectivesOf[name] }, page);
      this.#slos.set(of, slos);
      this.dashboard.addWidgets(...functionRows(of, slos));
      if (!of.queue) continue;
      tell([of.queue.unanswered]);
      this.dashboard.addWidgets(...queueRow(name, of.queue));
    }
    for (const monitor of monitors) {
      const { function: of, alarms, failing } = monitor;
      this.slos(of);
      const watched = [...alarms, ...(failing ? [failing] : [])];
      tell(watched);
      if (monitor.job) this.dashboard.addWidgets(...qualityRow(of.bundle.name, monitor.job, watched));
    }
  }

  /** @throws GlowplugError CONFIG_INVALID for a function that is not on it */
  slos(of: InferenceFunction): FunctionSlos {
    const found = this.#slos.get(of);
    if (found) return found;
    throw new GlowplugError('CONFIG_INVALID', `expected a function of this dashboard, got ${of.bundle.name}`, {
      remedy: 'Name it in the dashboard’s `functions`.',
    });
  }
}

/** A topic with a policy of its own, as enforceSSL gives it, lets in whom that names alone: alarms of this account, then. */
function actionOf(told: IAlarmAction | Topic): IAlarmAction {
  if (!(told instanceof Topic)) return told;
  const ofThisAccount = { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } };
  told.grantPublish(new ServicePrincipal('cloudwatch.amazonaws.com').withConditions(ofThisAccount));
  return new SnsAction(told);
}

function slosOf(
  scope: Construct,
  of: InferenceFunction,
  objectives: Objectives,
  page: readonly IAlarmAction[],
): FunctionSlos {
  const { function: lambda, bundle } = of;
  const { availability = 0.999, inTime = 0.99 } = objectives;
  const half = Duration.millis((lambda.timeout ?? Duration.seconds(30)).toMilliseconds() / 2);
  const limit = (objectives.latency ?? half).toMilliseconds();
  const metric = (name: string, statistic: string) => (period: Duration) => lambda.metric(name, { statistic, period });
  return {
    availability: new Slo(scope, 'Availability', {
      description: `${percent(availability)} of ${bundle.name}'s requests are answered`,
      objective: availability,
      metrics: {
        // A 500 that the function answers is no error to Lambda; a crash is no 500 of the function. Where both count, it is one request.
        bad: 'MAX([FILL(refused, 0), FILL(crashed, 0)])',
        all: metric('Invocations', 'Sum'),
        using: (period) => ({
          refused: metric('Url5xxCount', 'Sum')(period),
          crashed: metric('Errors', 'Sum')(period),
        }),
      },
      actions: page,
    }),
    latency: new Slo(scope, 'Latency', {
      description: `${percent(inTime)} of ${bundle.name}'s requests take at most ${limit} ms`,
      objective: inTime,
      metrics: {
        // Trimmed count: how many took longer.
        bad: 'FILL(slow, 0)',
        all: metric('Duration', 'SampleCount'),
        using: (period) => ({ slow: metric('Duration', `TC(${limit}:)`)(period) }),
      },
      actions: page,
    }),
  };
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`;
}
