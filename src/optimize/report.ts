// A page that needs nothing beside it: the picture, the figures, what Lambda would bill, and how each variant was made.
import { escapeXml } from '../core/escape-xml.ts';
import { lossOf } from '../core/gate.ts';
import { RUNS_OF_A_START } from './measure/measure-starts.ts';
import { cheapest, fastest, type Outcome, objectives, type Variant } from './outcome.ts';
import { picture } from './picture.ts';

export function report(outcome: Outcome): string {
  const { model, processor, variants, recommended, skipped } = outcome;
  const advice = objectives.flatMap((objective) =>
    recommended[objective] ? [`<li>for ${objective}: <b>${escapeXml(recommended[objective])}</b></li>`] : [],
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeXml(model)}: its variants</title>
<style>
:root{color-scheme:light dark;--line:#d0d7de}@media(prefers-color-scheme:dark){:root{--line:#3b444d}}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}
th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid var(--line);white-space:nowrap}th:first-child,td:first-child{text-align:left}
figure{margin:1rem 0}svg{max-width:100%;height:auto}.how{white-space:normal;text-align:left}
</style>
<h1>${escapeXml(model)}</h1>
<p>Measured on ${escapeXml(processor.model)} (${processor.architecture}${processor.features.length > 0 ? `: ${escapeXml(processor.features.join(', '))}` : ''}). Numbers of INT8 differ between processors: the gate holds for this kind.</p>
<ul>${advice.join('')}</ul>
<figure>${picture(outcome)}</figure>
<h2>Accuracy</h2>
${table(['variant', 'gate', 'metric', '95 %', 'loss', 'argmax', 'cosine', 'greatest error', 'samples'], variants.map(accuracyRow))}
<h2>Speed and size</h2>
${table(['variant', 'MB', 'load ms', 'peak MB', 'threads', 'rows', 'p50 ms', 'p95 ms', 'p99 ms', 'rows/s', 'mJ/row'], variants.flatMap(speedRows))}
<h2>A cold start</h2>
<p>Processor time of one thread: the session made over mapped weights, and with its first ${RUNS_OF_A_START} runs.</p>
${table(['variant', 'load ms', 'with runs ms', 'from – to', 'peak MB'], variants.map(startRow))}
<h2>A million requests on Lambda</h2>
<p>Estimated from this machine’s time of one row and Lambda’s share of a processor at each size; dollars, requests included.</p>
${table(['variant', 'cheapest at', 'ms', 'dollars', 'fastest at', 'ms', 'dollars'], variants.map(lambdaRow))}
<h2>How each was made</h2>
<table>${variants.map(({ name, how }) => `<tr><td>${escapeXml(name)}<td class="how">${escapeXml(how)}`).join('')}${skipped.map(({ name, why }) => `<tr><td>${escapeXml(name)}<td class="how">not made: ${escapeXml(why)}`).join('')}</table>
${variants.map(sensitivities).join('')}
</html>
`;
}

function accuracyRow({ name, figures, failures }: Variant): string[] {
  if (!figures) return [name, 'reference', '', '', '', '', '', '', ''];
  const { metric } = figures;
  const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
  return [
    name,
    failures.length === 0 ? 'passes' : failures.join('; '),
    metric ? `${metric.name} ${percent(metric.value)} (${percent(metric.reference)})` : '',
    metric ? metric.interval.map(percent).join(' – ') : '',
    metric ? percent(lossOf(metric)) : '',
    percent(figures.argmax),
    figures.cosine.toFixed(4),
    figures.maxError.toPrecision(2),
    `${figures.samples}`,
  ];
}

function speedRows({ name, measured }: Variant): string[][] {
  return measured.speeds.map((speed, at) => [
    at === 0 ? name : '',
    ...(at === 0
      ? [(measured.size / 1e6).toFixed(2), measured.loadMs.toFixed(0), (measured.peakBytes / 2 ** 20).toFixed(0)]
      : ['', '', '']),
    `${speed.threads}`,
    `${speed.batch}`,
    ...[speed.p50, speed.p95, speed.p99, speed.rowsPerSecond, 1000 * speed.joules].map(
      (value) => `${Number(value.toPrecision(3))}`,
    ),
  ]);
}

function startRow({ name, start }: Variant): string[] {
  const { loadMs, ms, rounds, peakBytes } = start;
  const range = `${Math.min(...rounds).toFixed(0)} – ${Math.max(...rounds).toFixed(0)}`;
  return [name, loadMs.toFixed(1), ms.toFixed(0), range, (peakBytes / 2 ** 20).toFixed(0)];
}

function lambdaRow(variant: Variant): string[] {
  const cheap = cheapest(variant);
  const quick = [...variant.lambda].sort((a, b) => a.ms - b.ms || a.perMillion - b.perMillion)[0];
  const of = (point: typeof cheap) =>
    point ? [`${point.memoryMb} MB`, point.ms.toPrecision(3), point.perMillion.toFixed(2)] : ['', '', ''];
  return [variant.name, ...of(cheap), ...of(quick)];
}

function sensitivities({ name, candidate }: Variant): string {
  const found = candidate?.search?.sensitivities ?? [];
  if (found.length === 0) return '';
  const released = new Set(candidate?.search?.released);
  const rows = found
    .slice(0, 20)
    .map(({ layer, error }) => [layer, error.toPrecision(3), released.has(layer) ? 'left in float' : 'INT8']);
  return `<h2>${escapeXml(name)}: the most sensitive layers</h2>\n${table(['layer', 'relative error alone', ''], rows)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) => row.map((cell) => `<${tag}>${escapeXml(cell)}`).join('');
  return `<table><tr>${cells('th', head)}${rows.map((row) => `<tr>${cells('td', row)}`).join('')}</table>`;
}

/** Whether the reference is slower than the variant at one row, for tests and for summaries: 2 is twice as fast. */
export function speedUp(reference: Variant, variant: Variant): number {
  return (fastest(reference)?.p50 ?? Number.NaN) / (fastest(variant)?.p50 ?? Number.NaN);
}
