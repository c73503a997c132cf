// A rollout as a picture: each request that was sent, who answered it, and the share that the new version had.
import { escapeXml } from '../../src/core/escape-xml.ts';
import type { RolloutState } from '../../src/release/rollout.ts';

export interface Event {
  readonly kind: 'old' | 'new' | 'failed';
}

export interface Stretch {
  readonly title: string;
  readonly events: readonly Event[];
  /** Each state and the number of the event before which it was reached. */
  readonly states: readonly { readonly at: number; readonly state: RolloutState }[];
}

const [width, left, height] = [760, 100, 150];
const rows = { old: 100, new: 118, failed: 136 } as const;
const names = { old: 'old version', new: 'new version', failed: 'failed' } as const;
const colours = { old: '#6e7781', new: '#3b82f6', failed: '#dc2626' } as const;

export function rolloutPicture(stretches: readonly Stretch[]): string {
  const parts = stretches.map((stretch, at) => `<g transform="translate(0 ${at * height})">\n${draw(stretch)}\n</g>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${stretches.length * height}" width="${width}" height="${stretches.length * height}" role="img" fill="currentColor" color="#57606a" font-family="ui-monospace, monospace" font-size="12">`,
    `<title>${escapeXml(stretches.map(({ title }) => title).join('; '))}</title>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function draw({ title, events, states }: Stretch): string {
  const x = (at: number) => Math.round((left + (at / events.length) * (width - left - 10)) * 10) / 10;
  const y = (percent: number) => Math.round(82 - percent * 0.5);
  const steps = states.map(({ at, state }) => `H${x(at)} V${y(state.percent)}`).join(' ');
  const labels = states.map(({ at, state }) => {
    const why = state.alarms ? `: ${state.alarms.join(', ')}` : '';
    const text = state.status === 'shifting' ? `${state.percent} %` : `${state.status}${why}`;
    return `<text x="${x(at) + 4}" y="${Math.max(30, y(state.percent) - 5)}">${escapeXml(text)}</text>`;
  });
  const ticks = events.map(
    ({ kind }, at) => `<rect x="${x(at)}" y="${rows[kind] - 9}" width="1.6" height="11" fill="${colours[kind]}"/>`,
  );
  return [
    `<text x="8" y="16" font-weight="bold">${escapeXml(title)}</text>`,
    `<path d="M${left} ${y(0)} ${steps} H${width - 10}" fill="none" stroke="#3b82f6" stroke-width="2"/>`,
    ...labels,
    ...Object.entries(names).map(([kind, name]) => `<text x="8" y="${rows[kind as keyof typeof rows]}">${name}</text>`),
    ...ticks,
  ].join('\n');
}
