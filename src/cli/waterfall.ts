// A cold start's stages as bars under each other, in the width of a terminal.
import pc from 'picocolors';
import { coldStartMessage, type Stage, stageNames } from '../handler/cold-start.ts';

/** Cold starts that a log tells of, in its order. Lines may have what CloudWatch or a terminal puts before the JSON. */
export function coldStartsIn(log: string): Stage[][] {
  return log.split('\n').flatMap((line) => {
    if (!line.includes(coldStartMessage)) return [];
    try {
      const entry: unknown = JSON.parse(line.slice(line.indexOf('{')));
      // With log format JSON, Lambda may wrap what the function wrote.
      const inner = isRecord(entry) && isRecord(entry['message']) ? entry['message'] : entry;
      if (!isRecord(inner) || inner['message'] !== coldStartMessage || !Array.isArray(inner['stages'])) return [];
      return [inner['stages'].filter(isStage)];
    } catch {
      return [];
    }
  });
}

/** One line a stage: its name and model, a bar from its begin to its end, milliseconds, and MB/s where bytes travelled. */
export function waterfall(stages: readonly Stage[], columns = 80): string {
  const end = Math.max(...stages.map(({ to }) => to));
  const rows = stages.map(({ stage, model, from, to, bytes }) => ({
    label: model === undefined ? stage : `${stage} ${model}`,
    from,
    to,
    figures: `${(to - from).toFixed(1).padStart(8)} ms${bytes === undefined ? '' : `  ${speed(bytes, to - from)}`}`,
  }));
  const labelWidth = Math.max(...rows.map(({ label }) => label.length));
  const width = Math.max(20, columns - labelWidth - 36);
  const place = (ms: number) => Math.round((ms / end) * width);
  const lines = rows.map(({ label, from, to, figures }) => {
    const [begin, length] = [place(from), Math.max(1, place(to) - place(from))];
    const bar = `${' '.repeat(begin)}${pc.cyan('█'.repeat(length))}${' '.repeat(Math.max(0, width + 1 - begin - length))}`;
    return `${label.padEnd(labelWidth)} ${bar}${figures}`;
  });
  return [`cold start: ${end.toFixed(1)} ms from the process's begin to the answer`, ...lines].join('\n');
}

function speed(bytes: number, ms: number): string {
  const megabytes = bytes / 1e6;
  return `${megabytes.toFixed(1)} MB, ${Math.round((megabytes / Math.max(ms, 0.1)) * 1000)} MB/s`;
}

function isStage(value: unknown): value is Stage {
  return (
    isRecord(value) &&
    stageNames.some((name) => name === value['stage']) &&
    typeof value['from'] === 'number' &&
    typeof value['to'] === 'number'
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
