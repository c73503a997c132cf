// The dashboard's rows of one function as a picture: its own widgets where CloudWatch would put them, drawn from what the functions
// logged in the local cloud.
import type { Template } from 'aws-cdk-lib/assertions';
import { escapeXml } from '../../src/core/escape-xml.ts';
import { MetricFeed } from '../../src/testing/page/metric-feed.ts';
import { text } from '../cdk/policy.ts';

interface Widget {
  readonly type: 'text' | 'alarm' | 'metric';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

type Values = readonly (readonly [at: number, value: number])[];

interface Series {
  readonly label: string;
  readonly values: Values;
  readonly stat: string;
}

/** A grid cell of CloudWatch's, in pixels here; how many points a line has. */
const [cell, row, points] = [40, 26, 24];
const colours = ['#3b82f6', '#f59e0b', '#10b981', '#8b5cf6', '#ef4444', '#14b8a6', '#64748b', '#ec4899', '#84cc16'];

/** Of the template's dashboard: the widgets whose figures or text are about these functions, as the local cloud calls them. */
export function dashboardWidgets(template: Template, name: string): Widget[] {
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  const { widgets }: { widgets: Widget[] } = JSON.parse(text(dashboard?.['Properties'].DashboardBody));
  const from = widgets.findIndex(({ properties }) => `${properties['markdown']}`.startsWith(`# ${name}\n`));
  const quality = widgets.findIndex(({ properties }) => properties['title'] === `Quality of ${name}`);
  return [...widgets.slice(from, from + 10), ...(quality < 0 ? [] : widgets.slice(quality, quality + 4))];
}

export function dashboardPicture(
  widgets: readonly Widget[],
  logs: Readonly<Record<string, readonly string[]>>,
): string {
  const feed = new MetricFeed();
  const durations: [number, number][] = [];
  for (const [name, lines] of Object.entries(logs)) {
    for (const line of lines) feed.hear(name, line);
    durations.push(...durationsIn(lines));
  }
  const all = feed.metrics.flatMap(({ values }) => values.map(([at]) => at));
  const span = { from: Math.min(...all), to: Math.max(...all) + 1 };
  // Rows that are left out close up.
  const tops = [...new Set(widgets.map(({ y }) => y))];
  const yOf = (y: number) =>
    tops.slice(0, tops.indexOf(y)).reduce((sum, top) => sum + (widgets.find((one) => one.y === top)?.height ?? 0), 0);
  const height = row * Math.max(...widgets.map(({ y, height }) => yOf(y) + height));
  const drawn = widgets.map((widget) => {
    const [w, h] = [widget.width * cell - 8, widget.height * row - 8];
    const inner =
      widget.type === 'metric'
        ? graph(seriesOf(widget, feed, durations), span, w, h)
        : wordsOf(widget).map((line, at) => `<text x="8" y="${38 + at * 16}">${escapeXml(line)}</text>`);
    const title = widget.properties['title'] ?? `${widget.properties['markdown']}`.split('\n')[0]?.slice(2);
    return [
      `<g transform="translate(${widget.x * cell + 4} ${yOf(widget.y) * row + 4})">`,
      `<rect width="${w}" height="${h}" rx="4" fill="none" stroke="#8c959f" stroke-opacity="0.4"/>`,
      `<text x="8" y="18" font-weight="bold">${escapeXml(`${title}`)}</text>`,
      ...inner,
      '</g>',
    ].join('\n');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * cell} ${height}" width="${24 * cell}" height="${height}" role="img" fill="currentColor" color="#57606a" font-family="ui-monospace, monospace" font-size="11">`,
    `<title>The dashboard: ${escapeXml(Object.keys(logs).join(', '))}</title>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

/** Of Lambda's own metrics: what its REPORT lines say, at the time of the request that they are about. */
function durationsIn(lines: readonly string[]): [number, number][] {
  const at = new Map(
    lines.flatMap((line) => {
      const [, id] = /"requestId":"([\w-]+)"/.exec(line) ?? [];
      const [, time] = /"Timestamp":(\d+)/.exec(line) ?? [];
      return id && time ? [[id, Number(time)] as const] : [];
    }),
  );
  return lines.flatMap((line): [number, number][] => {
    const [, id = '', ms] = /REPORT RequestId: ([\w-]+).*?\bDuration: ([\d.]+) ms/.exec(line) ?? [];
    const time = at.get(id);
    return time === undefined ? [] : [[time, Number(ms)]];
  });
}

function seriesOf({ properties }: Widget, feed: MetricFeed, durations: Values): Series[] {
  const entries = properties['metrics'] as readonly (readonly unknown[])[];
  const read = entries.map((entry) => {
    const options = Object(entry.at(-1));
    const [namespace, name] = entry.length > 1 ? entry : [];
    const own = feed.metrics.filter((one) => one.name === name && Object.keys(one.dimensions).length === 0);
    const values =
      namespace === 'AWS/Lambda' ? (name === 'Duration' ? durations : []) : own.flatMap((one) => one.values);
    return {
      options,
      values: values as Values,
      stat: `${options.stat ?? 'Average'}`,
      label: `${options.label ?? name}`,
    };
  });
  return read.flatMap(({ options, label, stat, values }): Series[] => {
    const expression = `${options.expression ?? ''}`;
    const [, keys = '', name] =
      /^SEARCH\('\{glowplug,FunctionName,([\w,]+)\} MetricName="(\w+)"/.exec(expression) ?? [];
    const [, statistic = ''] = /', '(\w+)', 60\)$/.exec(expression) ?? [];
    if (name) {
      return feed.metrics
        .filter((one) => one.name === name && Object.keys(one.dimensions).join() === keys)
        .map((one) => ({
          // The label is dynamic: of each metric its own dimensions.
          label: label.replaceAll(/\$\{PROP\('Dim\.(\w+)'\)\}/g, (_, dimension) => one.dimensions[dimension] ?? ''),
          stat: statistic,
          values: one.values,
        }));
    }
    if (expression) {
      const [, id, divisor] = /^(\w+) \/ (\d+)$/.exec(expression) ?? [];
      const of = read.find((one) => one.options.id === id);
      return [
        { label, stat: of?.stat ?? '', values: (of?.values ?? []).map(([at, value]) => [at, value / Number(divisor)]) },
      ];
    }
    return options.visible === false ? [] : [{ label, stat, values }];
  });
}

function graph(series: readonly Series[], span: { from: number; to: number }, width: number, height: number): string[] {
  const lines = series.map((one) => ({ ...one, points: inBins(one, span) }));
  const most = Math.max(...lines.flatMap((one) => one.points.map(([, value]) => value)), 0);
  const [left, top, bottom] = [8, 28, height - 14 - 12 * Math.ceil(series.length / 3)];
  const x = (bin: number) => Math.round(left + (bin / (points - 1)) * (width - 2 * left));
  const y = (value: number) => Math.round(bottom - (most === 0 ? 0 : value / most) * (bottom - top));
  return [
    `<path d="M${left} ${bottom}H${width - left}" stroke="#8c959f" stroke-opacity="0.4"/>`,
    `<text x="${width - 8}" y="18" text-anchor="end" fill-opacity="0.7">${Number(most.toPrecision(2))}</text>`,
    ...lines.flatMap(({ label, points: at }, index) => {
      const colour = colours[index % colours.length];
      const path = at.map(([bin, value]) => `${x(bin)},${y(value)}`).join(' ');
      const [column, line] = [index % 3, Math.floor(index / 3)];
      return [
        ...(at.length > 1 ? [`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`] : []),
        // One alone is a point.
        ...(at.length === 1 ? [`<circle cx="${x(at[0]![0])}" cy="${y(at[0]![1])}" r="2.5" fill="${colour}"/>`] : []),
        `<text x="${left + (column * (width - 16)) / 3}" y="${bottom + 14 + line * 12}" fill="${colour}" font-size="9">${escapeXml(label.slice(0, 18))}</text>`,
      ];
    }),
  ];
}

/** What CloudWatch would make of the values within each point's time. */
function inBins({ values, stat }: Series, { from, to }: { from: number; to: number }): [bin: number, value: number][] {
  const bins = Map.groupBy(values, ([at]) => Math.min(points - 1, Math.floor(((at - from) / (to - from)) * points)));
  return [...bins]
    .map(([bin, own]): [number, number] => [
      bin,
      statistic(
        stat,
        own.map(([, value]) => value).sort((a, b) => a - b),
      ),
    ])
    .sort(([a], [b]) => a - b);
}

function statistic(stat: string, sorted: readonly number[]): number {
  const sum = sorted.reduce((all, value) => all + value, 0);
  if (stat === 'SampleCount') return sorted.length;
  if (stat === 'Sum') return sum;
  if (stat === 'Maximum') return sorted.at(-1) ?? 0;
  const [, share] = /^p(\d+)$/.exec(stat) ?? [];
  return share ? (sorted[Math.floor((Number(share) / 100) * (sorted.length - 1))] ?? 0) : sum / sorted.length;
}

function wordsOf({ type, properties }: Widget): string[] {
  if (type === 'text') return `${properties['markdown']}`.split('\n').slice(1);
  // Logical ids end in eight digits of a hash.
  return (properties['alarms'] as string[]).map((arn) =>
    arn
      .replace(/^<Dashboard\w*?(Availability|Latency)(Fast|Slow)\w*\.Arn>$/, '$1: $2 burn')
      .replace(/^<\w*Quality(\w+?)[0-9A-F]{8}\.Arn>$/, '$1'),
  );
}
