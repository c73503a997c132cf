// What people look at: of each function and endpoint its requests, faults, latency, cold starts, batches, versions and cost; and its objectives.
import { Aws, Duration } from 'aws-cdk-lib';
import { type Alarm, Dashboard, type IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { GlowplugError } from '../core/errors.ts';
import { functionRows, qualityRow, queueRow } from './dashboard-rows.ts';
import { EcsHost } from './ecs-host.ts';
import { endpointRows } from './endpoint-rows.ts';
import { GpuEndpoint } from './gpu-endpoint.ts';
import type { GpuHost } from './gpu-endpoint-props.ts';
import type { InferenceFunction } from './inference-function.ts';
import { LambdaHost } from './lambda-host.ts';
import type { QualityMonitor } from './quality-monitor.ts';
import { type FunctionSlos, Slo } from './slo.ts';
import { type Counted, countedByEcs, countedByLambda, countedBySageMaker } from './slo-metrics.ts';

export interface Objectives {
  /** The share of requests that is answered with no fault of ours: not by a 5xx, a crash or a timeout. @default 0.999 */
  readonly availability?: number;
  /** What counts as in time. @default half of the function's timeout; of an endpoint 15 seconds */
  readonly latency?: Duration;
  /** The share of requests that is answered in that time. @default 0.99 */
  readonly inTime?: number;
}

export interface InferenceDashboardProps {
  /** @default none */
  readonly functions?: readonly InferenceFunction[];
  /** On any host; their objectives count what the host tells. @default none */
  readonly endpoints?: readonly GpuEndpoint<GpuHost>[];
  /** @default CloudFormation's choice */
  readonly dashboardName?: string;
  /** Of every function and endpoint. @default those of Objectives */
  readonly objectives?: Objectives;
  /** Of single ones, by name: what is said here goes before `objectives`. @default none */
  readonly objectivesOf?: Readonly<Record<string, Objectives>>;
  /** Of functions that are here: what they found stands below, and `page` is told of their alarms. @default none */
  readonly monitors?: readonly QualityMonitor[];
  /** Told when a budget burns and when it does no more; a topic is made to let CloudWatch in. @default nobody */
  readonly page?: readonly (IAlarmAction | Topic)[];
}

type Watched = InferenceFunction | GpuEndpoint<GpuHost>;

/**
 * A dashboard, and objectives as alarms on how fast their budgets burn.
 *
 * @example
 * const dashboard = new InferenceDashboard(this, 'Dashboard', { functions: [iris], page: [topic] });
 * new Rollout(this, 'Rollout', { function: iris, alarms: [dashboard.slos(iris).availability.fastShort] });
 */
export class InferenceDashboard extends Construct {
  readonly dashboard: Dashboard;
  readonly #slos = new Map<Watched, FunctionSlos>();

  /** @throws GlowplugError CONFIG_INVALID for objectives that are none, or of a function that is not here */
  constructor(scope: Construct, id: string, props: InferenceDashboardProps) {
    super(scope, id);
    const { functions = [], endpoints = [], dashboardName, objectives, objectivesOf = {}, monitors = [] } = props;
    const all: readonly Watched[] = [...functions, ...endpoints];
    const page = (props.page ?? []).map(actionOf);
    const names = all.map(({ bundle }) => bundle.name);
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
    for (const of of all) {
      const { name } = of.bundle;
      const part = new Construct(this, names.indexOf(name) === all.indexOf(of) ? name : `${name} endpoint`);
      const slos = slosOf(part, of, { ...objectives, ...objectivesOf[name] }, page);
      this.#slos.set(of, slos);
      if (of instanceof GpuEndpoint) {
        this.dashboard.addWidgets(...endpointRows(of, slos));
        continue;
      }
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

  /** @throws GlowplugError CONFIG_INVALID for a function or an endpoint that is not on it */
  slos(of: Watched): FunctionSlos {
    const found = this.#slos.get(of);
    if (found) return found;
    throw new GlowplugError('CONFIG_INVALID', `expected a function of this dashboard, got ${of.bundle.name}`, {
      remedy: 'Name it in the dashboard’s `functions` or `endpoints`.',
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

function slosOf(scope: Construct, of: Watched, objectives: Objectives, page: readonly IAlarmAction[]): FunctionSlos {
  const { name } = of.bundle;
  const { availability = 0.999, inTime = 0.99 } = objectives;
  const limit = (objectives.latency ?? inTimeOf(of)).toMilliseconds();
  const counted = countedOf(of);
  return {
    availability: new Slo(scope, 'Availability', {
      description: `${percent(availability)} of ${name}'s requests are answered`,
      objective: availability,
      metrics: counted.availability,
      actions: page,
    }),
    latency: new Slo(scope, 'Latency', {
      description: `${percent(inTime)} of ${name}'s requests take at most ${limit} ms`,
      objective: inTime,
      metrics: counted.latency(limit),
      actions: page,
    }),
  };
}

function inTimeOf(of: Watched): Duration {
  if (of instanceof GpuEndpoint) return Duration.seconds(15);
  return Duration.millis((of.function.timeout ?? Duration.seconds(30)).toMilliseconds() / 2);
}

function countedOf(of: Watched): Counted {
  if (!(of instanceof GpuEndpoint)) return countedByLambda(of.function);
  const { host } = of;
  if (host instanceof LambdaHost) return countedByLambda(host.function);
  return host instanceof EcsHost ? countedByEcs(host) : countedBySageMaker(host);
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`;
}
