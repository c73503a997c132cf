// What was true in the end, joined to what was answered by the request's id.
import { seededRandom } from '../core/seeded-random.ts';
import { bootstrap, type Interval, wilson } from '../optimize/confidence.ts';
import type { CapturedRecord, Feature } from './record.ts';

export interface Label {
  readonly requestId: string;
  readonly label: Feature;
}

export interface Accuracy {
  /** Records that have a label. */
  readonly labelled: number;
  readonly right: number;
  /** right ÷ labelled; undefined without labels. */
  readonly accuracy: number | undefined;
  /** Holds the truth in 95 of 100 cases. */
  readonly interval: Interval;
  /** Mean distance of answer and label, where both are numbers, and 95 % of it; undefined where none are. */
  readonly meanError: { readonly value: number; readonly interval: Interval } | undefined;
  /** Of them, how many were answered before the window that drift is looked for in: their labels came late. */
  readonly late: number;
  /** Came again and said the same. */
  readonly repeated: number;
  /** Requests of which labels say different things: left out. */
  readonly contradictory: number;
  /** For requests that are not among the records. */
  readonly unknown: number;
}

export function accuracy(
  records: readonly CapturedRecord[],
  labels: readonly Label[],
  prediction: string,
  since = new Date(0),
): Accuracy {
  const answers = new Map(records.map(({ requestId, features }) => [requestId, features[prediction]]));
  const truths = new Map<string, string>();
  const disagree = new Set<string>();
  let repeated = 0;
  for (const { requestId, label } of labels) {
    const before = truths.get(requestId);
    if (before === String(label)) repeated++;
    else if (before !== undefined) disagree.add(requestId);
    else truths.set(requestId, String(label));
  }
  const known = [...truths].filter(([id]) => !disagree.has(id) && answers.get(id) !== undefined);
  const old = new Set(records.filter(({ at }) => new Date(at) < since).map(({ requestId }) => requestId));
  const right = known.filter(([id, truth]) => String(answers.get(id)) === truth).length;
  return {
    labelled: known.length,
    right,
    accuracy: known.length > 0 ? right / known.length : undefined,
    interval: wilson(right, known.length),
    meanError: meanError(known.map(([id, truth]) => [answers.get(id), truth])),
    late: known.filter(([id]) => old.has(id)).length,
    repeated,
    contradictory: disagree.size,
    unknown: [...truths.keys()].filter((id) => answers.get(id) === undefined).length,
  };
}

function meanError(pairs: readonly (readonly [answer: Feature | undefined, truth: string])[]): Accuracy['meanError'] {
  const errors = pairs.flatMap(([answer, truth]) => {
    const error = typeof answer === 'number' && truth.trim() !== '' ? Math.abs(answer - Number(truth)) : Number.NaN;
    return Number.isFinite(error) ? [error] : [];
  });
  if (errors.length === 0) return undefined;
  const mean = (drawn: readonly number[]) => drawn.reduce((sum, error) => sum + error, 0) / drawn.length;
  return { value: mean(errors), interval: bootstrap(errors, mean, seededRandom(1)) };
}
