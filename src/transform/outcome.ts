// What comes of an object, and under which key: the same for a local run and for a function that Step Functions drives.
import { isRecord } from '../core/is-record.ts';

export interface Failure {
  readonly key: string;
  readonly status: number;
  /** Of the answer, shortened. */
  readonly error: string;
}

export const results = 'results/';
export const failures = 'failures/';
export const resultKey = (key: string) => `${results}${key}`;
export const failureKey = (key: string) => `${failures}${key}.json`;

/** What says "not now" rather than "not this". */
export const passing: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

const shownCharacters = 500;

export function noAnswer(key: string, error: unknown): Failure {
  // fetch says "fetch failed", and why in its cause; of several addresses that were tried only the code.
  const cause = error instanceof Error ? error.cause : undefined;
  const why = isRecord(cause) ? `: ${cause['message'] || cause['code']}` : '';
  const text = `no answer: ${error instanceof Error ? error.message : error}${why}`;
  return { key, status: 0, error: text.slice(0, shownCharacters) };
}

export function tooLarge(key: string, bytes: number, maxBytes: number): Failure {
  return { key, status: 413, error: `expected at most ${maxBytes} bytes, got ${bytes}` };
}

/** A function's own errors are JSON with a code and what was wrong. */
export function refused(key: string, status: number, body: Uint8Array): Failure {
  const text = Buffer.from(body).toString();
  let shown = text;
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value) && typeof value['error'] === 'string') shown = `${value['code'] ?? 'error'}: ${value['error']}`;
  } catch {
    // Somebody else's answer, shown as it is.
  }
  return { key, status, error: shown.slice(0, shownCharacters) };
}
