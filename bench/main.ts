// npm run bench -- NAME …: runs benchmarks, prints their table and writes their figures into results.json.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import type { Result } from './measure.ts';

interface Row extends Result {
  readonly bench: string;
  readonly machine: string;
  readonly commit: string;
  readonly date: string;
}

const folder = import.meta.dirname;
const resultsFile = join(folder, 'results.json');
const infrastructure = ['main', 'measure'];
const known = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))
  .filter((name) => !infrastructure.includes(name));

const names = process.argv.slice(2);
const unknown = names.filter((name) => !known.includes(name));
if (names.length === 0 || unknown.length > 0) {
  console.error(`usage: npm run bench -- NAME …\nexpected ${known.join(', ')}; got ${unknown.join(', ') || 'nothing'}`);
  process.exit(2);
}

const rows: Row[] = [];
for (const name of names) {
  const { bench }: { bench: () => Promise<Result[]> } = await import(`./${name}.ts`);
  for (const result of await bench()) rows.push({ bench: name, ...result, ...where() });
}
// A quick run is for development: its figures are not worth keeping.
if (process.env['GLOWPLUG_BENCH_QUICK'] !== '1') {
  // Of a bench whose cases were chosen, the others stay as they are.
  const chosen = process.env['GLOWPLUG_BENCH_CASES'] !== undefined;
  const again = (row: Row) => names.includes(row.bench) && (!chosen || rows.some((each) => each.case === row.case));
  const kept = readRows().filter((row) => !again(row));
  writeFileSync(resultsFile, `[\n${[...kept, ...rows].map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`);
}

console.table(
  rows.map(({ bench, case: what, metric, value, unit, against, ratio, reach, met, runs }) => ({
    bench,
    case: what,
    metric,
    value: `${value} ${unit}`,
    ...(against ? { against, ratio } : {}),
    ...(reach === undefined ? {} : { reach: `${reach} ${unit}`, met }),
    runs,
  })),
);
const barred = rows.filter(({ reach }) => reach !== undefined);
const reached = barred.filter(({ met }) => met).length;
console.log(`reached ${reached} of ${barred.length}`);
if (reached < barred.length) process.exitCode = 1;

function where() {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
  return {
    machine: `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, ${arch()}, Node ${process.versions.node}`,
    commit:
      git('rev-parse', '--short=12', 'HEAD') +
      (git('status', '--porcelain', '--', 'src', 'functions', 'models') ? '+' : ''),
    date: new Date().toISOString().slice(0, 10),
  };
}

function readRows(): Row[] {
  return existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : [];
}
