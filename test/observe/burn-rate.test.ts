// The rule by which a budget burns, as a function and as the alarms that CloudWatch is given: on the same minutes they say the same.
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slo } from '../../src/cdk/index.ts';
import { burnRates, burnThreshold, isBurning, type Minute } from '../../src/observe/burn-rate.ts';

const steady = (minutes: number, bad: number, all = 1000): Minute[] =>
  Array.from({ length: minutes }, () => ({ bad, all }));

describe('a burn rate', () => {
  it('is over at its threshold, not on it', () => {
    // 14.4 × 0.1 % of 1000 requests: 14.4 a minute.
    expect(isBurning(0.999, burnRates.fast, steady(60, 14))).toBe(false);
    expect(isBurning(0.999, burnRates.fast, steady(60, 15))).toBe(true);
    expect(isBurning(0.999, burnRates.slow, steady(360, 6))).toBe(false);
    expect(isBurning(0.999, burnRates.slow, steady(360, 7))).toBe(true);
  });

  it('is not on for a moment’s fault, nor for one that is over', () => {
    expect(isBurning(0.999, burnRates.fast, [...steady(59, 0), ...steady(1, 500)])).toBe(false);
    const outage = [...steady(50, 0), ...steady(10, 1000)];
    expect(isBurning(0.999, burnRates.fast, outage)).toBe(true);
    expect(isBurning(0.999, burnRates.fast, [...outage, ...steady(6, 0)])).toBe(false);
    expect(isBurning(0.999, burnRates.fast, steady(60, 0, 0))).toBe(false);
  });

  it('takes of the month’s budget what the workbook says', () => {
    const taken = ({ burn, longMinutes }: { burn: number; longMinutes: number }) =>
      (burn * longMinutes) / (30 * 24 * 60);
    expect(taken(burnRates.fast)).toBeCloseTo(0.02);
    expect(taken(burnRates.slow)).toBeCloseTo(0.05);
  });
});

describe('the alarms of an objective', () => {
  const objective = 0.999;
  const alarms = synthesised(objective);

  it.each(['fast', 'slow'] as const)('%s: CloudWatch’s metric math says what the function says', (speed) => {
    const { rule, members } = alarms[speed];
    expect(members).toHaveLength(2);
    // Both windows, at once.
    expect(rule).toMatch(/^\(?ALARM\("<\w+>"\) AND ALARM\("<\w+>"\)\)?$/);
    const minute = fc.record({ all: fc.nat(200), refused: fc.nat(4), crashed: fc.nat(4) });
    const spell = fc.array(fc.tuple(fc.integer({ min: 1, max: 200 }), minute), { minLength: 1, maxLength: 12 });
    let [on, off] = [0, 0];
    fc.assert(
      fc.property(spell, (spells) => {
        const minutes = spells.flatMap(([length, one]) => Array.from({ length }, () => one));
        // Nothing came before them.
        const padded = [...Array.from({ length: 360 }, () => ({ all: 0, refused: 0, crashed: 0 })), ...minutes];
        const byAlarms = members.every((alarm) => inAlarm(alarm, padded));
        // One kind of fault a window: the larger of two sums is no sum of larger ones.
        const series = (kind: 'refused' | 'crashed') => padded.map((each) => ({ bad: each[kind], all: each.all }));
        const windows = members.map(({ minutes }) => minutes);
        const share = (count: number) =>
          Math.max(...(['refused', 'crashed'] as const).map((kind) => shareOf(series(kind).slice(-count))));
        const expected = windows.every((count) => share(count) > burnThreshold(objective, burnRates[speed]));
        expect(byAlarms).toBe(expected);
        const oneKind = padded.map(({ all, refused }) => ({ all, refused, crashed: 0 }));
        expect(members.every((alarm) => inAlarm(alarm, oneKind))).toBe(
          isBurning(objective, burnRates[speed], series('refused')),
        );
        if (expected) on++;
        else off++;
      }),
      { numRuns: 200 },
    );
    expect(Math.min(on, off)).toBeGreaterThan(10);
  });

  it('have nothing to say where there is no data, and refuse an objective that is none', () => {
    for (const { properties } of Object.values(alarms).flatMap(({ members }) => members)) {
      expect(properties).toMatchObject({
        TreatMissingData: 'notBreaching',
        ComparisonOperator: 'GreaterThanThreshold',
        EvaluationPeriods: 1,
      });
    }
    for (const wrong of [0, 1, 99.9, Number.NaN]) expect(() => synthesised(wrong)).toThrow(/expected a share/);
  });
});

interface AlarmData {
  readonly minutes: number;
  readonly expression: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

function synthesised(objective: number) {
  const stack = new Stack(new App(), 'slo');
  const metric = (metricName: string) => (period: Metric['period']) =>
    new Metric({ namespace: 'n', metricName, statistic: 'Sum', period });
  new Slo(stack, 'Slo', {
    description: 'requests are answered',
    objective,
    metrics: {
      bad: 'MAX([FILL(refused, 0), FILL(crashed, 0)])',
      all: metric('all'),
      using: (period) => ({ refused: metric('refused')(period), crashed: metric('crashed')(period) }),
    },
  });
  const template = Template.fromStack(stack);
  const all = template.findResources('AWS::CloudWatch::Alarm');
  const composites = Object.values(template.findResources('AWS::CloudWatch::CompositeAlarm'));
  const of = (burn: number) => {
    const { AlarmRule } = composites.find(({ Properties }) => Properties.AlarmDescription.includes(` ${burn} times`))![
      'Properties'
    ];
    const parts: (string | { 'Fn::GetAtt': string[] })[] = AlarmRule['Fn::Join'][1];
    const ids = parts.flatMap((part) => (typeof part === 'string' ? [] : [part['Fn::GetAtt'][0]!]));
    const members = ids.map((id): AlarmData => {
      const properties = all[id]!['Properties'];
      const expressions = properties.Metrics.filter(({ Expression }: { Expression?: string }) => Expression);
      const periods = properties.Metrics.flatMap(({ MetricStat }: { MetricStat?: { Period: number; Stat: string } }) =>
        MetricStat ? [MetricStat.Period] : [],
      );
      expect(new Set(periods).size).toBe(1);
      return { minutes: periods[0] / 60, expression: expressions[0].Expression, properties };
    });
    return {
      members,
      rule: parts.map((part) => (typeof part === 'string' ? part : `<${part['Fn::GetAtt'][0]}>`)).join(''),
    };
  };
  return { fast: of(burnRates.fast.burn), slow: of(burnRates.slow.burn) };
}

type Sums = Readonly<Record<'all' | 'refused' | 'crashed', number>>;

/** The last period of the alarm, as CloudWatch sums it and evaluates the expression. */
function inAlarm({ minutes, expression, properties }: AlarmData, series: readonly Sums[]): boolean {
  const sum = (name: keyof Sums) => series.slice(-minutes).reduce((total, each) => total + each[name], 0);
  const scope: Sums = { all: sum('all'), refused: sum('refused'), crashed: sum('crashed') };
  return evaluate(expression, scope) > Number(properties['Threshold']);
}

/** The part of CloudWatch's metric math that is used: IF, FILL, MAX of a list, / and >. */
function evaluate(expression: string, scope: Sums): number {
  const tokens = expression.match(/[A-Z]+(?=\()|[a-z]+|\d+|[()[\],/>]/g) ?? [];
  expect(tokens.join('')).toBe(expression.replaceAll(' ', ''));
  let at = 0;
  const next = () => tokens[at++]!;
  const list = (close: string): number[] => {
    const values: number[] = [];
    while (tokens[at] !== close) {
      values.push(comparison());
      if (tokens[at] === ',') at++;
    }
    at++;
    return values;
  };
  const value = (): number => {
    const token = next();
    if (token === '(') return list(')')[0]!;
    if (token === '[') return Math.max(...list(']'));
    if (/^\d/.test(token)) return Number(token);
    if (/^[a-z]/.test(token)) return scope[token as keyof Sums];
    at++;
    const [first = 0, second = 0, third = 0] = list(')');
    return token === 'IF' ? (first ? second : third) : first;
  };
  const quotient = (): number => {
    let left = value();
    while (tokens[at] === '/') {
      at++;
      left /= value();
    }
    return left;
  };
  const comparison = (): number => {
    const left = quotient();
    if (tokens[at] !== '>') return left;
    at++;
    return Number(left > quotient());
  };
  return comparison();
}

function shareOf(minutes: readonly Minute[]): number {
  const bad = minutes.reduce((sum, each) => sum + each.bad, 0);
  const all = minutes.reduce((sum, each) => sum + each.all, 0);
  return all === 0 ? 0 : bad / all;
}
