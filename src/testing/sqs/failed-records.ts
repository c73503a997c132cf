// Which records of a batch a function reports as failed.
// Source: AWS Lambda Developer Guide, "Handling errors for an SQS event source in Lambda", success and failure conditions.
import { isRecord } from '../../core/is-record.ts';

/** Ids of the failed; undefined where the answer makes the whole batch a failure. */
export function failedRecords(payload: Uint8Array, ids: ReadonlySet<string>): ReadonlySet<string> | undefined {
  const answer = parse(payload);
  if (answer === null) return new Set();
  if (!isRecord(answer)) return undefined;
  const failures = answer['batchItemFailures'] ?? [];
  if (!Array.isArray(failures)) return undefined;
  const failed = failures.map((each: unknown) => (isRecord(each) ? each['itemIdentifier'] : undefined));
  const known = failed.filter((id) => typeof id === 'string').filter((id) => ids.has(id));
  return known.length === failed.length ? new Set(known) : undefined;
}

/** undefined for what is no JSON, which has no undefined. */
function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString());
  } catch {
    return undefined;
  }
}
