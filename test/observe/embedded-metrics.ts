// CloudWatch's rules for a line that holds metrics, as the specification has them: what breaks one of them is dropped in silence.
// Source: Amazon CloudWatch, "Embedded metric format specification" and "CloudWatch service quotas".
import { isRecord } from '../../src/core/is-record.ts';

const units =
  /^(Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|Megabits|Gigabits|Terabits|Percent|Count|None|(Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|Megabits|Gigabits|Terabits|Count)\/Second)$/;
const ascii = /^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$/;

/** What is wrong with it; empty where CloudWatch takes all of it. */
export function embeddedMetricFaults(line: string): string[] {
  const faults: string[] = [];
  const expect = (holds: boolean, fault: string) => void (holds || faults.push(fault));
  expect(Buffer.byteLength(line) <= 1_048_576, 'an event is at most 1 MiB');
  const root: unknown = JSON.parse(line);
  if (!isRecord(root) || !isRecord(root['_aws'])) return ['no _aws object'];
  const { Timestamp, CloudWatchMetrics } = root['_aws'];
  expect(Number.isInteger(Timestamp) && Number(Timestamp) > 1e12, 'Timestamp: milliseconds since 1970');
  if (!Array.isArray(CloudWatchMetrics)) return [...faults, 'CloudWatchMetrics: a list'];
  for (const { Namespace, Dimensions, Metrics } of CloudWatchMetrics) {
    expect(
      typeof Namespace === 'string' && /^[\w./#:-]{1,255}$/.test(Namespace) && !/^AWS\//.test(Namespace),
      `namespace ${Namespace}`,
    );
    for (const set of Dimensions) {
      expect(set.length <= 30, 'at most 30 dimensions');
      for (const name of set) {
        const value = root[name];
        expect(name.length <= 250 && ascii.test(name) && !name.startsWith(':'), `dimension ${name}`);
        expect(typeof value === 'string' && value.length <= 1024 && ascii.test(value), `value of dimension ${name}`);
      }
    }
    expect(Metrics.length <= 100, 'at most 100 metrics');
    for (const { Name, Unit } of Metrics) {
      const values = [root[Name]].flat();
      expect(Name.length > 0 && Name.length <= 255 && ascii.test(Name), `metric ${Name}`);
      expect(units.test(Unit), `unit ${Unit}`);
      expect(values.length > 0 && values.length <= 100, `metric ${Name}: 1 to 100 values`);
      expect(
        values.every((value) => typeof value === 'number' && Number.isFinite(value)),
        `metric ${Name}: numbers`,
      );
    }
  }
  return faults;
}
