// The rows of a dashboard: what is drawn of a function, of its queue, and of what its monitor found; and what an endpoint's
// rows (endpoint-rows.ts) have in common with them.
import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  GraphWidget,
  type GraphWidgetProps,
  type IMetric,
  type IWidget,
  MathExpression,
  Metric,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { InferenceFunction } from './inference-function.ts';
import type { InferenceQueue } from './inference-queue.ts';
import type { FunctionSlos } from './slo.ts';

const period = Duration.minutes(1);
const coldStages = ['Boot', 'Import', 'Resolve', 'Fetch', 'Verify', 'Runtime', 'Create', 'Warm', 'FirstRun'];

/** One row of a function: its objectives, then what explains them. */
export function functionRows(of: Pick<InferenceFunction, 'function' | 'bundle'>, slos: FunctionSlos): IWidget[] {
  const { function: lambda, bundle } = of;
  const own = (metricName: string, statistic: string, label = metricName) =>
    new Metric({
      namespace,
      metricName,
      statistic,
      period,
      dimensionsMap: { FunctionName: lambda.functionName },
      label,
    });
  const percentiles = ['p50', 'p95', 'p99'];
  const latencies = percentiles.map((statistic) => lambda.metric('Duration', { statistic, period, label: statistic }));
  // Dimensions that come and go, codes and versions, are found when somebody looks.
  const search = (dimensions: string, metric: string, statistic: string, label: string) =>
    new MathExpression({
      expression: `SEARCH('{${namespace},${dimensions}} MetricName="${metric}" FunctionName="${lambda.functionName}"', '${statistic}', 60)`,
      usingMetrics: {},
      label,
      period,
    });
  return [
    ...headOf(bundle, slos),
    live('Requests', [own('Latency', 'SampleCount', 'requests'), own('ColdRequests', 'Sum', 'of them cold')]),
    live('Errors by code', [
      search('FunctionName,Code', 'Errors', 'Sum', each('Code')),
      lambda.metricErrors({ period }),
      lambda.metricThrottles({ period }),
    ]),
    live('Duration', latencies),
    live(
      'Cold starts by stage',
      coldStages.map((stage) => own(stage, 'Average')),
      { stacked: true },
    ),
    live(
      'Rows of a run',
      ['p50', 'p95'].map((statistic) =>
        search('FunctionName,Model', 'BatchRows', statistic, `${statistic} ${each('Model')}`),
      ),
    ),
    live('Queue time and run time', [
      search('FunctionName,Model', 'Queue', 'p95', `waited: ${each('Model')}`),
      search('FunctionName,Model', 'Run', 'p95', `ran: ${each('Model')}`),
    ]),
    live(
      'Runs by version',
      [search('FunctionName,Model,Version', 'Runs', 'Sum', `${each('Model')} ${each('Version')}`)],
      { stacked: true },
    ),
    live('Cost, dollars a minute', [
      new MathExpression({
        expression: 'cost / 1000000',
        usingMetrics: { cost: own('CostMicrodollars', 'Sum') },
        label: 'about, by us-east-1’s prices',
        period,
      }),
    ]),
  ];
}

/** Whose row it is, and whether its objectives are met. */
export function headOf(
  { name, references }: Pick<InferenceFunction['bundle'], 'name' | 'references'>,
  { availability, latency }: FunctionSlos,
): IWidget[] {
  return [
    new TextWidget({ markdown: `# ${name}\n${references.join(', ')}`, width: 24, height: 2 }),
    // CDK's CompositeAlarm is not written for exactOptionalPropertyTypes: it has what an IAlarm has.
    states('Objectives', [availability.fast, availability.slow, latency.fast, latency.slow] as unknown as Alarm[]),
  ];
}

function states(title: string, alarms: Alarm[]): AlarmStatusWidget {
  return new AlarmStatusWidget({ title, width: 6, height: 5, alarms });
}

function graph(title: string, left: IMetric[], more: GraphWidgetProps = {}): GraphWidget {
  return new GraphWidget({ title, width: 6, height: 5, left, ...more });
}

/** With the minute that goes on now. */
export function live(title: string, left: IMetric[], more: GraphWidgetProps = {}): GraphWidget {
  return graph(title, left, { liveData: true, ...more });
}

/** CloudWatch's dynamic label: of each metric that a search finds its own dimension. */
function each(dimension: string): string {
  return `\${PROP('Dim.${dimension}')}`;
}

/** What waits, how long it has waited, and what could not be answered. */
export function queueRow(name: string, { queue, deadLetterQueue, unanswered }: InferenceQueue): IWidget[] {
  const most = { period, statistic: 'Maximum' };
  return [
    states(`Queue of ${name}`, [unanswered]),
    graph('Requests that wait', [
      queue.metricApproximateNumberOfMessagesVisible(most),
      queue.metricApproximateNumberOfMessagesNotVisible(most),
    ]),
    graph('Age of the oldest, seconds', [queue.metricApproximateAgeOfOldestMessage(most)]),
    graph('Not answered', [deadLetterQueue.metricApproximateNumberOfMessagesVisible(most)]),
  ];
}

/** What the job of a monitor wrote each time that it looked. */
export function qualityRow(name: string, { functionName: FunctionName }: LambdaFunction, alarms: Alarm[]): IWidget[] {
  const figure = (metricName: string) =>
    new Metric({
      namespace,
      metricName,
      statistic: 'Maximum',
      period: Duration.hours(1),
      dimensionsMap: { FunctionName },
      label: metricName,
    });
  return [
    states(`Quality of ${name}`, alarms),
    graph('Features that drift', [figure('Drifting')]),
    graph('Captured and labelled', [figure('Captured'), figure('Labelled')]),
    graph('Accuracy', [figure('Accuracy')]),
  ];
}

const namespace = 'glowplug';
