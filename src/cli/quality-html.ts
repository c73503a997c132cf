// A quality report as a page of its own: each feature's distribution now, beside its baseline.
import { escapeXml } from '../core/escape-xml.ts';
import type { FeatureReport } from '../quality/compare.ts';
import type { QualityReport } from '../quality/report.ts';

const [barWidth, labelWidth, rowHeight] = [260, 190, 26];

export function qualityHtml(report: QualityReport): string {
  const { drift, accuracy } = report;
  const drifts = drift.features.filter((one) => one.drifts).length + drift.gone.length;
  const verdict = drift.tooFew
    ? 'too few requests to say'
    : drifts === 0
      ? 'what it is asked is what it was released for'
      : `${drifts} of ${drift.features.length + drift.gone.length} features are not as they were`;
  const truth =
    accuracy && accuracy.labelled > 0
      ? `<p>Right in ${percent(accuracy.right / accuracy.labelled)} (${accuracy.interval.map(percent).join(' to ')}, 95 of 100 cases) of ${accuracy.labelled} labelled requests of 30 days; ${accuracy.late} late, ${accuracy.repeated} repeated, ${accuracy.contradictory} contradictory, ${accuracy.unknown} unknown labels.</p>`
      : '<p>No labels yet.</p>';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Quality of ${escapeXml(report.function)}</title>
<style>
body{font:14px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1f2328;background:#fff}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(30rem,100%),1fr));gap:1.5rem}
h1{margin-bottom:.2rem}h2{font-size:1rem;margin:0}svg{max-width:100%;height:auto}
.drifts h2::after{content:" drifts";color:#cf222e}.small{color:#57606a;margin:.2rem 0 .6rem}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}.small{color:#8d96a0}}
</style></head><body>
<h1>${escapeXml(report.function)}</h1>
<p class="small">${drift.records} captured requests, ${report.from.slice(0, 16)} to ${report.to.slice(0, 16)} UTC</p>
<p><b>${escapeXml(verdict)}</b></p>
${truth}
<p class="small"><span style="color:#8c959f">■</span> baseline <span style="color:#3b82f6">■</span> now</p>
<main>
${drift.features.map(card).join('\n')}
</main>
${[...drift.gone.map((name) => `<p>${escapeXml(name)}: no request has it any more.</p>`), ...drift.unknown.map((name) => `<p class="small">${escapeXml(name)}: not in the baseline.</p>`)].join('\n')}
</body></html>
`;
}

function card(one: FeatureReport): string {
  const test = one.kolmogorovSmirnov ?? one.chiSquare;
  const figures = [
    `PSI ${one.stabilityIndex.toFixed(3)}`,
    `Jensen–Shannon ${one.jensenShannon.toFixed(3)}`,
    `total variation ${one.totalVariation.toFixed(3)}`,
    ...(test ? [`${one.kolmogorovSmirnov ? 'Kolmogorov–Smirnov' : 'chi-square'} p ${test.p.toPrecision(2)}`] : []),
    ...(one.absent > 0 ? [`${percent(one.absent)} without it`] : []),
  ].join(' · ');
  return `<section${one.drifts ? ' class="drifts"' : ''}><h2>${escapeXml(one.name)}</h2><p class="small">${figures}</p>${bars(one)}</section>`;
}

/** Bars that both sides leave empty say nothing. */
function bars({ name, bars, expected, actual }: FeatureReport): string {
  const rows = bars.flatMap((label, at) => {
    const [was, now] = [expected[at] ?? 0, actual[at] ?? 0];
    return was === 0 && now === 0 ? [] : [{ label, was, now }];
  });
  const most = Math.max(...rows.flatMap(({ was, now }) => [was, now]), 1e-9);
  const width = (share: number) => Math.max(0.5, (share / most) * barWidth).toFixed(1);
  const drawn = rows.map(({ label, was, now }, at) => {
    const y = at * rowHeight;
    const cut = label.length > 26 ? `${label.slice(0, 25)}…` : label;
    return `<text x="${labelWidth - 8}" y="${y + 16}" text-anchor="end">${escapeXml(cut)}</text><rect x="${labelWidth}" y="${y + 3}" width="${width(was)}" height="9" fill="#8c959f"/><rect x="${labelWidth}" y="${y + 13}" width="${width(now)}" height="9" fill="#3b82f6"/><text x="${labelWidth + barWidth + 8}" y="${y + 16}">${percent(was)} → ${percent(now)}</text>`;
  });
  const [all, height] = [labelWidth + barWidth + 130, rows.length * rowHeight];
  return `<svg viewBox="0 0 ${all} ${height}" width="${all}" height="${height}" role="img" fill="currentColor" font-size="12"><title>${escapeXml(name)}: baseline and now</title>${drawn.join('')}</svg>`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
