// The trade-off as an SVG that needs nothing beside it: size to the right, time upwards, the front joined by a line.
import { escapeXml } from '../core/escape-xml.ts';
import { fastest, type Outcome, paretoFront, type Variant } from './outcome.ts';

const [WIDTH, HEIGHT] = [720, 380];
const room = { left: 64, right: 120, top: 24, bottom: 48 };

interface Point {
  readonly variant: Variant;
  readonly x: number;
  readonly y: number;
}

export function picture({ variants, model, processor }: Outcome): string {
  const known = variants.filter((variant) => fastest(variant));
  const most = {
    size: nice(Math.max(...known.map(({ measured }) => measured.size / 1e6))),
    ms: nice(Math.max(...known.map((variant) => fastest(variant)!.p50))),
  };
  const x = (megabytes: number) => room.left + (megabytes / most.size) * (WIDTH - room.left - room.right);
  const y = (ms: number) => HEIGHT - room.bottom - (ms / most.ms) * (HEIGHT - room.top - room.bottom);
  const points = known.map(
    (variant): Point => ({ variant, x: x(variant.measured.size / 1e6), y: y(fastest(variant)!.p50) }),
  );
  const front = paretoFront(variants).map((variant) => points.find((point) => point.variant === variant)!);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>${escapeXml(model)}: size and time of its variants on ${escapeXml(processor.model)}</title>
<style>.ink{fill:#1d2530}.dim{fill:#5c6873}.line{stroke:#c9d1d9;fill:none}.front{stroke:#0a7d55;fill:none;stroke-width:1.5;stroke-dasharray:4 3}.pass{fill:#0a7d55}.fail{fill:#fff;stroke:#c0392b;stroke-width:2}@media(prefers-color-scheme:dark){.ink{fill:#e6edf3}.dim{fill:#9aa7b4}.line{stroke:#3b444d}.front{stroke:#35c48d}.pass{fill:#35c48d}.fail{fill:#0d1117;stroke:#ff7b72}}</style>
${[0, 0.25, 0.5, 0.75, 1].map((part) => axisLines(part, most, x, y)).join('\n')}
<text class="dim" x="${(room.left + WIDTH - room.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">MB of the file</text>
<text class="dim" transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">ms a run, one row</text>
<polyline class="front" points="${front.map((point) => `${round(point.x)},${round(point.y)}`).join(' ')}"/>
${labelled(points)}
</svg>`;
}

function axisLines(
  part: number,
  most: { size: number; ms: number },
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  const [size, ms] = [most.size * part, most.ms * part];
  return `<path class="line" d="M${room.left} ${round(y(ms))}H${WIDTH - room.right}"/><text class="dim" x="${room.left - 8}" y="${round(y(ms)) + 4}" text-anchor="end">${short(ms)}</text><text class="dim" x="${round(x(size))}" y="${HEIGHT - room.bottom + 18}" text-anchor="middle">${short(size)}</text>`;
}

/** Names to the right of their points, else to the left, else moved down, so that none lies on another. */
function labelled(points: readonly Point[]): string {
  const taken = points.map(({ x, y }) => ({ from: x - 6, to: x + 6, y: y + 4 }));
  const free = (from: number, to: number, y: number) =>
    from > room.left && !taken.some((other) => Math.abs(other.y - y) < 13 && other.from < to && from < other.to);
  return [...points]
    .sort((a, b) => b.x - a.x)
    .map(({ variant, x, y }) => {
      const passes = variant.failures.length === 0;
      const text = `${variant.name}${passes ? '' : ' ✗'}`;
      // 7 units a letter, which is wider than most.
      const width = 7 * text.length;
      let [at, left] = [y + 4, false];
      while (!free(x + 10, x + 10 + width, at)) {
        left = free(x - 10 - width, x - 10, at);
        if (left) break;
        at += 4;
      }
      taken.push(left ? { from: x - 10 - width, to: x - 10, y: at } : { from: x + 10, to: x + 10 + width, y: at });
      const place = left ? `x="${round(x) - 10}" text-anchor="end"` : `x="${round(x) + 10}"`;
      return `<circle class="${passes ? 'pass' : 'fail'}" cx="${round(x)}" cy="${round(y)}" r="5"><title>${escapeXml(variant.how)}</title></circle><text class="ink" ${place} y="${round(at)}">${escapeXml(text)}</text>`;
    })
    .join('\n');
}

/** The next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten. */
function nice(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return power * ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value * 1.02) ?? 10);
}

function short(value: number): string {
  return `${Number(value.toPrecision(3))}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
