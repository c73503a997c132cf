// The same waterfall as a picture for pages.
import { escapeXml } from '../core/escape-xml.ts';
import { type Bar, endOf, figuresOf, labelOf, titleOf } from './waterfall.ts';

const rowHeight = 20;
const labelWidth = 150;
const barWidth = 420;
const figuresWidth = 190;
const top = 34;

/** Colours follow the page's: text takes the current colour, bars are one blue that both backgrounds bear. */
export function waterfallSvg(stages: readonly Bar[], title = titleOf(stages)): string {
  const end = endOf(stages);
  const [width, height] = [labelWidth + barWidth + figuresWidth, top + stages.length * rowHeight + 8];
  const x = (ms: number) => Math.round((labelWidth + (ms / end) * barWidth) * 10) / 10;
  const rows = stages.map((stage, index) => {
    const { from, to, ms } = stage;
    const y = top + index * rowHeight;
    const middle = y + rowHeight / 2 + 4;
    const length = Math.max(1, Math.round((x(to) - x(from)) * 10) / 10);
    const opacity = ms === undefined ? 1 : 0.35;
    return [
      `<text x="${labelWidth - 8}" y="${middle}" text-anchor="end">${escapeXml(labelOf(stage))}</text>`,
      `<rect x="${x(from)}" y="${y + 3}" width="${length}" height="${rowHeight - 6}" rx="2" fill="#3b82f6" fill-opacity="${opacity}"/>`,
      `<text x="${labelWidth + barWidth + 8}" y="${middle}">${escapeXml(figuresOf(stage).trim())}</text>`,
    ].join('\n');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" fill="currentColor" color="#57606a" font-family="ui-monospace, monospace" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<text x="8" y="20">${escapeXml(title)}</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}
