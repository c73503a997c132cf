// The rows of a dashboard that an endpoint has: its objectives, then what its host tells of it.
import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  GraphWidget,
  type IWidget,
  Metric,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { queueTimeMetric } from '../observe/queue-time.ts';
import { type FunctionSlosOf, functionRows } from './dashboard-rows.ts';
import { EcsHost } from './ecs-host.ts';
import type { GpuEndpoint } from './gpu-endpoint.ts';
import type { GpuHost } from './gpu-endpoint-props.ts';
import { LambdaHost } from './lambda-host.ts';
import type { SageMakerHost } from './sagemaker-host.ts';

const period = Duration.minutes(1);
const percentiles = ['p50', 'p95', 'p99'];

/** On Lambda it writes the lines that functions write, and its rows are theirs. */
export function endpointRows({ bundle, host }: GpuEndpoint<GpuHost>, slos: FunctionSlosOf): IWidget[] {
  if (host instanceof LambdaHost) return functionRows({ function: host.function, bundle }, slos);
  const { availability, latency } = slos;
  return [
    new TextWidget({ markdown: `# ${bundle.name}\n${bundle.references.join(', ')}`, width: 24, height: 2 }),
    new AlarmStatusWidget({
      title: 'Objectives',
      width: 6,
      height: 5,
      // CDK's CompositeAlarm is not written for exactOptionalPropertyTypes: it has what an IAlarm has.
      alarms: [availability.fast, availability.slow, latency.fast, latency.slow] as unknown as Alarm[],
    }),
    ...(host instanceof EcsHost ? ecsGraphs(host) : sagemakerGraphs(host)),
  ];
}

function ecsGraphs({ loadBalancer, api, waker, cluster, service }: EcsHost): IWidget[] {
  const { metrics } = loadBalancer;
  const sum = { statistic: 'Sum', period };
  const { clusterName: ClusterName } = cluster;
  const waited = (statistic: string) =>
    new Metric({
      namespace: queueTimeMetric.namespace,
      metricName: queueTimeMetric.name,
      dimensionsMap: { [queueTimeMetric.dimension]: ClusterName },
      statistic,
      period,
      label: statistic,
    });
  return [
    graph('Requests', [
      metrics.requestCount({ ...sum, label: 'requests' }),
      ...(waker ? [waker.group.metrics.requestCount({ ...sum, label: 'of them while it slept' })] : []),
    ]),
    graph('Errors', [
      metrics.custom('HTTPCode_Target_4XX_Count', { ...sum, label: '4xx' }),
      metrics.custom('HTTPCode_Target_5XX_Count', { ...sum, label: '5xx' }),
      metrics.custom('HTTPCode_ELB_5XX_Count', { ...sum, label: 'no target, or none in time' }),
      ...(api ? [api.api.metricServerError({ ...sum, label: '5xx of the API' })] : []),
    ]),
    graph(
      'Seconds to an answer',
      percentiles.map((statistic) => metrics.targetResponseTime({ statistic, period, label: statistic })),
    ),
    graph('Milliseconds that runs waited, a target', [waited('Average'), waited('Maximum')]),
    graph('Targets', [
      new Metric({
        namespace: 'ECS/ContainerInsights',
        metricName: 'RunningTaskCount',
        dimensionsMap: { ClusterName, ServiceName: service.serviceName },
        statistic: 'Maximum',
        period,
        label: 'running',
      }),
    ]),
  ];
}

function sagemakerGraphs(host: SageMakerHost): IWidget[] {
  const own = (metricName: string, statistic: string, label: string) =>
    host.metric(metricName).with({ statistic, period, label });
  const used = (metricName: string, label: string) =>
    host.metric(metricName, '/aws/sagemaker/InferenceComponents').with({ statistic: 'Maximum', period, label });
  return [
    graph('Requests', [
      own('Invocations', 'Sum', 'requests'),
      own('NoCapacityInvocationFailures', 'Sum', 'refused: no copy'),
    ]),
    graph('Errors', [own('Invocation4XXErrors', 'Sum', '4xx'), own('Invocation5XXErrors', 'Sum', '5xx')]),
    graph(
      'Microseconds to an answer',
      percentiles.map((statistic) => own('ModelLatency', statistic, statistic)),
    ),
    graph('Microseconds beside the copy', [own('OverheadLatency', 'p95', 'p95')]),
    graph('GPU, % of a card', [
      used('GPUMemoryUtilizationNormalized', 'memory'),
      used('GPUUtilizationNormalized', 'busy'),
    ]),
  ];
}

function graph(title: string, left: Metric[]): GraphWidget {
  return new GraphWidget({ title, width: 6, height: 5, left, liveData: true });
}
