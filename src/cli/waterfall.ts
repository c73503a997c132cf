// A cold start's stages as bars under each other, in the width of a terminal.
import pc from 'picocolors';
import type { Stage } from '../handler/cold-start.ts';

/** One line a stage: its name and model, a bar from its begin to its end, milliseconds, and MB/s where bytes travelled. */
export function waterfall(stages: readonly Stage[], columns = 80): string {
  const end = endOf(stages);
  const rows = stages.map((stage) => ({ stage, label: labelOf(stage), figures: figuresOf(stage) }));
  const labelWidth = Math.max(...rows.map(({ label }) => label.length));
  const width = Math.max(20, columns - labelWidth - 36);
  const place = (ms: number) => Math.round((ms / end) * width);
  const lines = rows.map(({ stage: { from, to, ms }, label, figures }) => {
    const [begin, length] = [place(from), Math.max(1, place(to) - place(from))];
    // What is done bit by bit fills its bar lightly.
    const bar = pc.cyan((ms === undefined ? '█' : '░').repeat(length));
    return `${label.padEnd(labelWidth)} ${' '.repeat(begin)}${bar}${' '.repeat(Math.max(0, width + 1 - begin - length))}${figures}`;
  });
  return [titleOf(stages), ...lines].join('\n');
}

export function endOf(stages: readonly Stage[]): number {
  return Math.max(...stages.map(({ to }) => to));
}

export function titleOf(stages: readonly Stage[]): string {
  return `cold start: ${endOf(stages).toFixed(1)} ms from the process's begin to the answer`;
}

export function labelOf({ stage, model }: Stage): string {
  return model === undefined ? stage : `${stage} ${model}`;
}

export function figuresOf({ from, to, ms = to - from, bytes }: Stage): string {
  return `${ms.toFixed(1).padStart(8)} ms${bytes === undefined ? '' : `  ${speed(bytes, to - from)}`}`;
}

function speed(bytes: number, ms: number): string {
  const megabytes = bytes / 1e6;
  if (megabytes < 0.1) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${megabytes.toFixed(1)} MB, ${Math.round((megabytes / Math.max(ms, 0.1)) * 1000)} MB/s`;
}
