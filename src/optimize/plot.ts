// The trade-off for a terminal: size to the right, time upwards, one letter a variant.
import { fastest, paretoFront, type Variant } from './outcome.ts';

const WIDTH = 56;
const HEIGHT = 14;

/** Lines of text; `mark` colours what passes and what does not. */
export function plot(variants: readonly Variant[], mark: (letter: string, variant: Variant) => string): string[] {
  const points = variants.flatMap((variant) => {
    const speed = fastest(variant);
    return speed ? [{ variant, size: variant.measured.size, ms: speed.p50 }] : [];
  });
  if (points.length === 0) return [];
  const most = { size: Math.max(...points.map(({ size }) => size)), ms: Math.max(...points.map(({ ms }) => ms)) };
  const rows = Array.from({ length: HEIGHT + 1 }, () => new Array<string>(WIDTH + 1).fill(' '));
  const front = new Set(paretoFront(variants));
  const legend: string[] = [];
  for (const [at, { variant, size, ms }] of points.entries()) {
    const letter = String.fromCharCode(65 + at);
    let column = Math.round((size / most.size) * WIDTH);
    const row = rows[HEIGHT - Math.round((ms / most.ms) * HEIGHT)]!;
    // Two at one place stand beside each other.
    while (row[column] !== ' ' && column > 0) column--;
    row[column] = mark(letter, variant);
    legend.push(`  ${mark(letter, variant)} ${variant.name}${front.has(variant) ? ' ◆' : ''}`);
  }
  const label = `${most.ms.toPrecision(3)} ms`;
  return [
    ...rows.map((row, at) => `${(at === 0 ? label : at === HEIGHT ? '0' : '').padStart(9)} │${row.join('').trimEnd()}`),
    `${''.padStart(9)} └${'─'.repeat(WIDTH + 1)}`,
    `${''.padStart(10)} 0${`${(most.size / 1e6).toPrecision(3)} MB`.padStart(WIDTH)}`,
    ...legend,
    '  ◆ no other that passes the gate is both smaller and faster',
  ];
}
