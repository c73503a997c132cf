// The figures that the docs show: all of bench/results.json as a page, and the few that the README quotes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { alignedTable, table } from './markdown-table.ts';

interface Row {
  readonly bench: string;
  readonly case: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  readonly against?: string;
  readonly reach?: number;
  readonly met?: boolean;
  readonly runs: number;
  readonly machine: string;
  readonly commit: string;
  readonly date: string;
}

/** A section for each benchmark, bars that were missed included. */
export function benchmarks(root: string): string {
  const rows = readRows(root);
  const names = [...new Set(rows.map(({ bench }) => bench))].sort();
  return names
    .map((name) => {
      const of = rows.filter(({ bench }) => bench === name);
      const barred = of.filter(({ reach }) => reach !== undefined);
      const reached = barred.filter(({ met }) => met).length;
      const days = [...new Set(of.map(({ date }) => date.slice(0, 10)))].sort().join(', ');
      const cells = of.map((row) => [
        row.case,
        row.metric,
        figure(row),
        row.against ?? '',
        row.reach === undefined ? '' : `${figure({ ...row, value: row.reach })}, ${row.met ? 'reached' : '**missed**'}`,
      ]);
      const about = `\`npm run bench -- ${name}\`, ${days}: ${reached} of ${barred.length} bars reached.`;
      return `## ${name}\n\n${about}\n\n${table(['Case', 'Figure', 'Is', 'Beside', 'Bar'], cells)}`;
    })
    .join('\n\n');
}

/** The README's table, between its two markers. */
export function withMeasured(readme: string, root: string): string {
  const rows = readRows(root);
  const find = (bench: string, what: string, metric: string): Row => {
    const row = rows.find((each) => each.bench === bench && each.case.startsWith(what) && each.metric.includes(metric));
    if (!row) throw new Error(`bench/results.json has no ${bench}, ${what} … ${metric}: npm run bench -- ${bench}`);
    return row;
  };
  const cells = quoted.map(({ says, bench, what, metric }) => {
    const row = find(bench, what, metric);
    return [says, `**${figure(row)}**`, row.against ?? ''];
  });
  const between = `${begin}\n\n${alignedTable(['', 'measured', 'beside'], cells)}\n\n${end}`;
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from === -1 || to === -1) throw new Error(`expected ${begin} and ${end} in the README`);
  return readme.slice(0, from) + between + readme.slice(to + end.length);
}

const begin = '<!-- Figures of bench/results.json, by npm run docs. -->';
const end = '<!-- End of the figures. -->';

/** The slowest network first; a bar that was missed is quoted like one that was reached. */
const quoted = [
  {
    says: 'time to a cold function’s first answer, 11 MB of model, S3 at 75 MB/s, by that of “SDK, file, session”',
    bench: 'cold-start',
    what: 'rec fp32-avx512, 10.92 MB at 75 MB/s',
    metric: '÷ naive',
  },
  { says: 'the same with 100 MB', bench: 'cold-start', what: 'matmul-100, 100.7 MB at 75 MB/s', metric: 'ms' },
  { says: 'and at 300 MB/s', bench: 'cold-start', what: 'matmul-100, 100.7 MB at 300 MB/s', metric: '÷ naive' },
  {
    says: 'requests a second of a small model over REST, by the best peer’s',
    bench: 'endpoint',
    what: 'iris over REST',
    metric: 'requests/s',
  },
  {
    says: 'of a larger model that is batched, by the best peer’s',
    bench: 'batching',
    what: 'MLP over REST',
    metric: 'rows/s',
  },
  {
    says: 'rows a second by batching, with nothing tuned',
    bench: 'batching',
    what: 'MLP 12',
    metric: 'over no batching',
  },
  {
    says: 'records a second of a queue, each answered once',
    bench: 'batching',
    what: 'SQS',
    metric: 'over record by record',
  },
  { says: 'size of PP-OCR rec in INT8', bench: 'optimize', what: 'static INT8, rec', metric: 'size' },
  {
    says: 'its character errors less the reference quantiser’s',
    bench: 'optimize',
    what: 'static INT8, rec',
    metric: 'more than the reference’s',
  },
  { says: 'the local cloud with six functions ready', bench: 'local', what: 'start to ready', metric: 'p50' },
] as const;

function readRows(root: string): readonly Row[] {
  return JSON.parse(readFileSync(join(root, 'bench', 'results.json'), 'utf8'));
}

function figure({ value, unit }: { readonly value: number; readonly unit: string }): string {
  return `${value.toLocaleString('en', { maximumSignificantDigits: 3 })} ${unit}`.trim();
}
