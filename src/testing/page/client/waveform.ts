// A recording as its waveform, with the segments of an answer under it.
import { html, svg } from 'lit-html';
import { objectUrl } from './object-url.ts';
import { changed } from './state.ts';

interface Segment {
  /** Seconds. */
  readonly start: number;
  readonly end: number;
}

interface Sound {
  readonly seconds: number;
  /** Loudest sample of each column, from 0 to 1. */
  readonly peaks: readonly number[];
}

const columns = 600;

/** Anything in the answer with a `start` and an `end`, in seconds. */
export function segmentsIn(value: unknown): Segment[] {
  if (Array.isArray(value)) return value.flatMap(segmentsIn);
  if (typeof value !== 'object' || value === null) return [];
  if ('start' in value && 'end' in value && typeof value.start === 'number' && typeof value.end === 'number') {
    return [{ start: value.start, end: value.end }];
  }
  return Object.values(value).flatMap(segmentsIn);
}

const sounds = new WeakMap<Blob, Sound | 'reading' | 'unknown'>();

export function waveform(blob: Blob, segments: readonly Segment[]) {
  const sound = sounds.get(blob);
  if (sound === undefined) void read(blob);
  return html`<figure class="sound">
    ${typeof sound === 'object' ? picture(sound, segments) : html`<p>${sound === 'unknown' ? 'This browser cannot show it.' : '…'}</p>`}
    <audio controls src=${objectUrl(blob)}></audio>
  </figure>`;
}

async function read(blob: Blob): Promise<void> {
  sounds.set(blob, 'reading');
  try {
    const context = new OfflineAudioContext(1, 1, 16_000);
    const decoded = await context.decodeAudioData(await blob.arrayBuffer());
    const samples = decoded.getChannelData(0);
    const step = Math.max(1, samples.length / columns);
    const peaks = Array.from({ length: Math.min(columns, samples.length) }, (_, column) => {
      const part = samples.subarray(Math.floor(column * step), Math.max(Math.floor((column + 1) * step), 1));
      return part.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0);
    });
    sounds.set(blob, { seconds: decoded.duration, peaks });
  } catch {
    sounds.set(blob, 'unknown');
  }
  changed();
}

function picture({ seconds, peaks }: Sound, segments: readonly Segment[]) {
  const x = (second: number) => (second / seconds) * columns;
  const path = peaks.map((peak, column) => `M${column} ${50 - peak * 48}V${50 + peak * 48}`).join('');
  return html`<svg viewBox="0 0 ${columns} 112" preserveAspectRatio="none" role="img" aria-label="${seconds.toFixed(1)} seconds, ${segments.length} segments">
    <path d=${path} vector-effect="non-scaling-stroke" />
    ${segments.map(
      ({ start, end }) => svg`<rect x=${x(start)} y="104" width=${Math.max(1, x(end) - x(start))} height="8" rx="2">
        <title>${start.toFixed(2)} to ${end.toFixed(2)} s</title>
      </rect>`,
    )}
  </svg>`;
}
