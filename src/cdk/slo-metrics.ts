// What an objective counts, by the host's own metrics: requests that failed, and those that took too long.
import { type IMetric, MathExpression, type Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { EcsHost } from './ecs-host.ts';
import type { SageMakerHost } from './sagemaker-host.ts';
import type { SloMetrics } from './slo.ts';

export interface Counted {
  readonly availability: SloMetrics;
  /** Of requests that took over so many milliseconds. */
  readonly latency: (limitMs: number) => SloMetrics;
}

export function countedByLambda(lambda: IFunction): Counted {
  const sum = (name: string): ByPeriod => times(lambda.metric(name), 'Sum');
  return {
    availability: {
      // A 500 that the function answers is no error to Lambda; a crash is no 500 of the function. Where both count, it is one request.
      bad: 'MAX([FILL(refused, 0), FILL(crashed, 0)])',
      all: sum('Invocations'),
      using: (period) => ({ refused: sum('Url5xxCount')(period), crashed: sum('Errors')(period) }),
    },
    latency: slowerThan(lambda.metric('Duration')),
  };
}

/**
 * What the waker answers while nothing runs is no request of the endpoint's, and no fault. What a load balancer without a
 * healthy target refuses is both, though it is none of its `RequestCount`.
 */
export function countedByEcs({ loadBalancer, api, waker }: EcsHost): Counted {
  const { metrics } = loadBalancer;
  const asleep: Record<string, Metric> = waker
    ? { waking: waker.group.metrics.requestCount(), waking_large: metrics.custom('HTTP_Fixed_Response_Count') }
    : {};
  const failed: Record<string, Metric> = api
    ? { failed: api.api.metricServerError() }
    : { failed: metrics.custom('HTTPCode_Target_5XX_Count'), unsent: metrics.custom('HTTPCode_ELB_5XX_Count') };
  const asked: Record<string, Metric> = api
    ? { asked: api.api.metricCount() }
    : { asked: metrics.requestCount(), no_target: metrics.custom('HTTPCode_ELB_503_Count') };
  const less = Object.keys(asleep).map((name) => ` - FILL(${name}, 0)`);
  const total = (of: Record<string, Metric>) =>
    `${Object.keys(of)
      .map((name) => `FILL(${name}, 0)`)
      .join(' + ')}${less.join('')}`;
  const sums = (of: Record<string, Metric>, period: Parameters<ByPeriod>[0]) =>
    Object.fromEntries(Object.entries(of).map(([name, metric]) => [name, times(metric, 'Sum')(period)]));
  return {
    availability: {
      bad: total(failed),
      all: (period) =>
        new MathExpression({
          expression: total(asked),
          usingMetrics: sums({ ...asked, ...asleep }, period),
          period,
        }),
      using: (period) => sums({ ...failed, ...asleep }, period),
    },
    // Seconds to the load balancer, milliseconds to the API.
    latency: api ? slowerThan(api.api.metricLatency()) : slowerThan(metrics.targetResponseTime(), 1 / 1000),
  };
}

export function countedBySageMaker(host: SageMakerHost): Counted {
  const sum = (name: string): ByPeriod => times(host.metric(name), 'Sum');
  return {
    availability: {
      // What finds no copy while the first one starts is answered 400, and is not among them.
      bad: 'FILL(failed, 0)',
      all: sum('Invocations'),
      using: (period) => ({ failed: sum('Invocation5XXErrors')(period) }),
    },
    // Microseconds.
    latency: slowerThan(host.metric('ModelLatency'), 1000),
  };
}

type ByPeriod = SloMetrics['all'];

function times(metric: Metric, statistic: string): ByPeriod {
  return (period): IMetric => metric.with({ statistic, period });
}

/** By trimmed count. `unit`: a millisecond in the metric's own. */
function slowerThan(metric: Metric, unit = 1): Counted['latency'] {
  return (limitMs) => ({
    bad: 'FILL(slow, 0)',
    all: times(metric, 'SampleCount'),
    using: (period) => ({ slow: times(metric, `TC(${Number((limitMs * unit).toPrecision(12))}:)`)(period) }),
  });
}
