// Endpoints on a dashboard: their objectives, reckoned from the host's metrics as CloudWatch would, against the rule of a burn rate.
import { Duration, Stack } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { type GpuEndpointProps, InferenceDashboard, type InferenceDashboardProps } from '../../src/cdk/index.ts';
import { burnRates, isBurning } from '../../src/observe/burn-rate.ts';
import { type EndpointSetting, synthEndpoint } from './synth-endpoint.ts';

type Sums = Readonly<Record<string, number>>;

const hosts: readonly { title: string; props: Partial<GpuEndpointProps>; all: string; failed: string; slow: string }[] =
  [
    {
      title: 'ecs from zero',
      props: {},
      all: 'RequestCount',
      failed: 'HTTPCode_Target_5XX_Count',
      slow: 'TargetResponseTime TC(0.2:)',
    },
    {
      title: 'ecs behind an API',
      props: { front: 'api' },
      all: 'Count',
      failed: '5xx',
      slow: 'Latency TC(200:)',
    },
    {
      title: 'lambda',
      props: { host: 'lambda' },
      all: 'Invocations',
      failed: 'Url5xxCount',
      slow: 'Duration TC(200:)',
    },
    {
      title: 'sagemaker',
      props: { host: 'sagemaker' },
      all: 'Invocations',
      failed: 'Invocation5XXErrors',
      slow: 'ModelLatency TC(200000:)',
    },
  ];

it.each(hosts)('$title: each burn is on when the rule says so, of failures and of slow requests', (host) => {
  const template = watched(host.props);
  for (const [objective, bad, all] of [
    ['answered', host.failed, host.all],
    ['take at most 200 ms', host.slow, `${host.slow.split(' ')[0]} SampleCount`],
  ] as const) {
    const alarms = alarmsOf(template, objective);
    expect(alarms).toHaveLength(4);
    for (const share of [0, 0.05, 0.07, 0.12, 0.16, 1]) {
      const minute = { bad: share * 1000, all: 1000 };
      const on = alarms.map((alarm) => alarm.isOn({ [all]: minute.all, [bad]: minute.bad }));
      const rules = [burnRates.fast, burnRates.slow].map((rate) => isBurning(0.99, rate, Array(360).fill(minute)));
      expect([on[0] && on[1], on[2] && on[3]], `${objective}, ${share}`).toEqual(rules);
    }
    expect(alarms.some((alarm) => alarm.isOn({}))).toBe(false);
  }
});

it('ecs: what the waker answers burns nothing, and hides no fault; refusals for want of a target burn', () => {
  const [alarm] = alarmsOf(watched({}), 'answered');
  const asleep = { RequestCount: 50, 'waking RequestCount': 50, HTTPCode_Target_5XX_Count: 50 };
  expect(alarm!.isOn(asleep)).toBe(false);
  expect(alarm!.isOn({ ...asleep, RequestCount: 60, HTTPCode_Target_5XX_Count: 60 })).toBe(true);
  const large = { HTTP_Fixed_Response_Count: 5, HTTPCode_ELB_5XX_Count: 5, HTTPCode_ELB_503_Count: 5 };
  expect(alarm!.isOn({ ...asleep, ...large })).toBe(false);
  const always = alarmsOf(watched({ minTargets: 1 }, { golden: true }), 'answered')[0]!;
  expect(always.isOn({ HTTPCode_ELB_503_Count: 9, HTTPCode_ELB_5XX_Count: 9 })).toBe(true);
});

it('shows what each host tells of it', () => {
  for (const [props, texts] of [
    [{}, ['RunningTaskCount', 'QueueMilliseconds', 'of them while it slept', 'HTTPCode_ELB_5XX_Count']],
    [{ front: 'api' }, ['5xx of the API', 'RunningTaskCount']],
    [{ host: 'lambda' }, ['{glowplug,FunctionName,Model,Version}', 'Queue time and run time']],
    [{ host: 'sagemaker' }, ['GPUMemoryUtilizationNormalized', 'NoCapacityInvocationFailures']],
  ] as const) {
    const text = JSON.stringify(watched(props).findResources('AWS::CloudWatch::Dashboard'));
    for (const each of ['# sort', 'Objectives', ...texts]) expect(text).toContain(each);
  }
});

it('lends the alarms of its objectives, and takes objectives by its name', () => {
  const template = watched({ host: 'sagemaker' }, {}, { objectivesOf: { sort: { availability: 0.9 } } });
  expect(alarmsOf(template, '90 % of sort')).toHaveLength(4);
});

function watched(
  props: Partial<GpuEndpointProps>,
  setting: EndpointSetting = {},
  more: Partial<InferenceDashboardProps> = {},
): Template {
  const use: EndpointSetting['use'] = (endpoint) => {
    const objectives = { availability: 0.99, latency: Duration.millis(200) };
    const dashboard = new InferenceDashboard(Stack.of(endpoint), 'Watch', {
      endpoints: [endpoint],
      objectives,
      ...more,
    });
    expect(dashboard.slos(endpoint).availability.fastShort).toBeDefined();
  };
  return synthEndpoint(props, { ...setting, use });
}

/** Fast short, fast long, slow short, slow long; on or off by the sums of the metrics, absent ones being no data. */
function alarmsOf(template: Template, words: string) {
  const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).filter(([, { Properties }]) =>
    String(Properties.AlarmDescription).match(new RegExp(`${words}.*too fast`)),
  );
  const order = ['FastShort', 'FastLong', 'SlowShort', 'SlowLong'];
  alarms.sort(([a], [b]) => order.findIndex((one) => a.includes(one)) - order.findIndex((one) => b.includes(one)));
  return alarms.map(([, { Properties }]) => ({
    isOn: (sums: Sums) => Number(evaluated(Properties.Metrics, sums)) > Properties.Threshold,
  }));
}

interface Query {
  readonly Id: string;
  readonly Expression?: string;
  readonly ReturnData?: boolean;
  readonly MetricStat?: { readonly Stat: string; readonly Metric: { readonly MetricName: string } };
}

/** CloudWatch's expressions, as far as ours go. */
function evaluated(queries: readonly Query[], sums: Sums): unknown {
  const value = ({ Id, Expression, MetricStat }: Query): unknown => {
    if (MetricStat) {
      const { Stat, Metric } = MetricStat;
      const name = `${Id === 'waking' ? 'waking ' : ''}${Metric.MetricName}${Stat === 'Sum' ? '' : ` ${Stat}`}`;
      return sums[name];
    }
    const names = { FILL: (a?: number, b?: number) => a ?? b, IF: (a: boolean, b: number, c: number) => (a ? b : c) };
    const MAX = (all: number[]) => Math.max(...all);
    const others = queries.filter((other) => Expression?.match(new RegExp(`\\b${other.Id}\\b`)));
    const given = { ...names, MAX, ...Object.fromEntries(others.map((other) => [other.Id, value(other)])) };
    return new Function(...Object.keys(given), `return ${Expression}`)(...Object.values(given));
  };
  const asked = queries.find(({ ReturnData }) => ReturnData !== false);
  return asked && value(asked);
}
