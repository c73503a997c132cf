// One line of docs/reference/lambda-behaviours.md and its test: scripts/docs.ts reads the two literals without running this.
import { it } from 'vitest';

/** @param source where AWS documents it, such as 'AWS Lambda Developer Guide: Lambda quotas' */
export function behaviour(sentence: string, source: string, run: () => Promise<void> | void, timeout?: number): void {
  it(`${sentence} (${source})`, run, timeout);
}
