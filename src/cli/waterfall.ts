// Stages of a cold start or a request as bars under each other, in the width of a terminal.
import pc from 'picocolors';

/** Milliseconds since a common beginning. */
export interface Bar {
  readonly stage: string;
  readonly model?: string;
  readonly from: number;
  readonly to: number;
  /** Of what travelled. */
  readonly bytes?: number;
  /** Of what is done bit by bit between `from` and `to`, how long it took in all. */
  readonly ms?: number;
}

/** One line a stage: its name and model, a bar from its begin to its end, milliseconds, and MB/s where bytes travelled. */
export function waterfall(stages: readonly Bar[], columns = 80, title = titleOf(stages)): string {
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
  return [title, ...lines].join('\n');
}

export function endOf(stages: readonly Bar[]): number {
  return Math.max(...stages.map(({ to }) => to));
}

export function titleOf(stages: readonly Bar[]): string {
  return `cold start: ${endOf(stages).toFixed(1)} ms from the process's begin to the answer`;
}

export function labelOf({ stage, model }: Bar): string {
  return model === undefined ? stage : `${stage} ${model}`;
}

export function figuresOf({ from, to, ms = to - from, bytes }: Bar): string {
  return `${ms.toFixed(1).padStart(8)} ms${bytes === undefined ? '' : `  ${speed(bytes, to - from)}`}`;
}

function speed(bytes: number, ms: number): string {
  const megabytes = bytes / 1e6;
  if (megabytes < 0.1) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${megabytes.toFixed(1)} MB, ${Math.round((megabytes / Math.max(ms, 0.1)) * 1000)} MB/s`;
}
