import { describe, expect, it } from 'vitest';
import { Metrics } from '../../src/observe/metrics.ts';

describe('metrics', () => {
  it('are Prometheus text: help, type, labels escaped, buckets that add up', () => {
    const metrics = new Metrics();
    const requests = metrics.counter('requests_total', 'Requests\nby unit.');
    requests.add({ unit: 'a"b\\c\n' });
    requests.add({ unit: 'a"b\\c\n' }, 2);
    requests.add({ unit: 'd' });
    metrics.gauge('open', 'Open now.', () => Number.POSITIVE_INFINITY);
    const seconds = metrics.histogram('seconds', 'Time.', [0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe({ unit: 'd' }, value);
    expect(metrics.render()).toBe(`# HELP requests_total Requests\\nby unit.
# TYPE requests_total counter
requests_total{unit="a\\"b\\\\c\\n"} 3
requests_total{unit="d"} 1
# HELP open Open now.
# TYPE open gauge
open +Inf
# HELP seconds Time.
# TYPE seconds histogram
seconds_bucket{unit="d",le="0.1"} 2
seconds_bucket{unit="d",le="1"} 3
seconds_bucket{unit="d",le="+Inf"} 4
seconds_sum{unit="d"} 7.65
seconds_count{unit="d"} 4
`);
  });

  it('a name is one metric’s, and a name of Prometheus', () => {
    const metrics = new Metrics();
    metrics.counter('a', '');
    expect(() => metrics.gauge('a', '', () => 1)).toThrow('got a twice');
    expect(() => metrics.counter('a b', '')).toThrow('expected a metric’s name');
  });
});
