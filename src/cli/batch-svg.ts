// The curves of glowplug bench batch as a picture for pages: the time of a run, and rows a second, by the rows of a run.
import { escapeXml } from '../core/escape-xml.ts';
import type { Measured, Split, SplitCurve } from '../session/measure-batches.ts';

/** Both backgrounds bear them. */
const colours = ['#3b82f6', '#f97316', '#10b981', '#a855f7', '#ef4444'];
const [width, height, top] = [300, 180, 60];
const lefts = [60, 460];

export function nameOf({ runs, threads }: Split): string {
  return `${runs === 1 ? 'one run' : `${runs} runs at once`} × ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

export function batchSvg({ splits, best }: Measured, model: string): string {
  const title = `${model}: ${figure(best.perSecond)} rows/s with ${best.rows} rows a run, ${nameOf(best)}`;
  const chosen = { split: splits.findIndex(({ runs }) => runs === best.runs), rows: best.rows };
  const legend = splits.map(
    (split, at) => `<text x="${60 + at * 200}" y="42" fill="${colourOf(at)}">${escapeXml(`— ${nameOf(split)}`)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 290" width="780" height="290" role="img" fill="currentColor" color="#57606a" font-family="ui-monospace, monospace" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<text x="8" y="20">${escapeXml(title)}</text>`,
    ...legend,
    ...panel('ms a run', lefts[0]!, splits, ({ ms }) => ms, chosen),
    ...panel('rows/s', lefts[1]!, splits, ({ perSecond }) => perSecond, chosen),
    '</svg>',
    '',
  ].join('\n');
}

type Point = SplitCurve['curve'][number];

function panel(
  name: string,
  left: number,
  splits: readonly SplitCurve[],
  figureOf: (point: Point) => number,
  chosen: { readonly split: number; readonly rows: number },
): string[] {
  const sizes = splits[0]!.curve.map(({ rows }) => rows);
  const most = Math.max(...splits.flatMap(({ curve }) => curve.map(figureOf)));
  const x = (rows: number) => tenth(left + (width * sizes.indexOf(rows)) / Math.max(1, sizes.length - 1));
  const y = (value: number) => tenth(top + height - (height * value) / most);
  const bottom = top + height;
  return [
    `<path d="M${left} ${top}V${bottom}H${left + width}" fill="none" stroke="currentColor"/>`,
    `<text x="${left - 6}" y="${top + 4}" text-anchor="end">${figure(most)}</text>`,
    `<text x="${left - 6}" y="${bottom + 4}" text-anchor="end">0</text>`,
    `<text x="${left + width / 2}" y="${bottom + 40}" text-anchor="middle">${name}, by the rows of a run</text>`,
    ...sizes.map((rows) => `<text x="${x(rows)}" y="${bottom + 18}" text-anchor="middle">${rows}</text>`),
    ...splits.flatMap(({ curve }, at) => {
      const points = curve.map((point) => `${x(point.rows)},${y(figureOf(point))}`).join(' ');
      const mark = curve.filter(({ rows }) => at === chosen.split && rows === chosen.rows);
      return [
        `<polyline points="${points}" fill="none" stroke="${colourOf(at)}" stroke-width="2"/>`,
        ...mark.map(
          (point) => `<circle cx="${x(point.rows)}" cy="${y(figureOf(point))}" r="5" fill="${colourOf(at)}"/>`,
        ),
      ];
    }),
  ];
}

function colourOf(at: number): string {
  return colours[at % colours.length]!;
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
