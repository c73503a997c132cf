// The rows of a dashboard that an endpoint has: its objectives, then what its host tells of it.
import { Duration } from 'aws-cdk-lib';
import { type IWidget, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { queueTimeMetric } from '../observe/queue-time.ts';
import { functionRows, headOf, live } from './dashboard-rows.ts';
import { EcsHost } from './ecs-host.ts';
import type { GpuEndpoint } from './gpu-endpoint.ts';
import type { GpuHost } from './gpu-endpoint-props.ts';
import { LambdaHost } from './lambda-host.ts';
import type { SageMakerHost } from './sagemaker-host.ts';
import type { FunctionSlos } from './slo.ts';

const period = Duration.minutes(1);
const percentiles = ['p50', 'p95', 'p99'];

/** On Lambda it writes the lines that functions write, and its rows are theirs. */
export function endpointRows({ bundle, host }: GpuEndpoint<GpuHost>, slos: FunctionSlos): IWidget[] {
  if (host instanceof LambdaHost) return functionRows({ function: host.function, bundle }, slos);
  return [...headOf(bundle, slos), ...(host instanceof EcsHost ? ecsGraphs(host) : sagemakerGraphs(host))];
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
    live('Requests', [
      metrics.requestCount({ ...sum, label: 'requests' }),
      ...(waker ? [waker.group.metrics.requestCount({ ...sum, label: 'of them while it slept' })] : []),
    ]),
    live('Errors', [
      metrics.custom('HTTPCode_Target_4XX_Count', { ...sum, label: '4xx' }),
      metrics.custom('HTTPCode_Target_5XX_Count', { ...sum, label: '5xx' }),
      metrics.custom('HTTPCode_ELB_5XX_Count', { ...sum, label: 'no target, or none in time' }),
      ...(api ? [api.api.metricServerError({ ...sum, label: '5xx of the API' })] : []),
    ]),
    live(
      'Seconds to an answer',
      percentiles.map((statistic) => metrics.targetResponseTime({ statistic, period, label: statistic })),
    ),
    live('Milliseconds that runs waited, a target', [waited('Average'), waited('Maximum')]),
    live('Targets', [
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
    live('Requests', [
      own('Invocations', 'Sum', 'requests'),
      own('NoCapacityInvocationFailures', 'Sum', 'refused: no copy'),
    ]),
    live('Errors', [own('Invocation4XXErrors', 'Sum', '4xx'), own('Invocation5XXErrors', 'Sum', '5xx')]),
    live(
      'Microseconds to an answer',
      percentiles.map((statistic) => own('ModelLatency', statistic, statistic)),
    ),
    live('Microseconds beside the copy', [own('OverheadLatency', 'p95', 'p95')]),
    live('GPU, % of a card', [
      used('GPUMemoryUtilizationNormalized', 'memory'),
      used('GPUUtilizationNormalized', 'busy'),
    ]),
  ];
}
