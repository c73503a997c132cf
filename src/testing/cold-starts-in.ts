// What a log tells of cold starts.
import { isRecord } from '../core/is-record.ts';
import { coldStartMessage, isStageName, type Stage } from '../handler/cold-start.ts';

/** The stages of each, in the log's order. Lines may have what CloudWatch or a terminal puts before the JSON. */
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

function isStage(value: unknown): value is Stage {
  return (
    isRecord(value) &&
    isStageName(value['stage']) &&
    typeof value['from'] === 'number' &&
    typeof value['to'] === 'number'
  );
}
