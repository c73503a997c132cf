// A matcher for cold starts, for vitest's expect and any other that is extended in the same way.
import type { ColdStartBudget, ColdStartReport } from './cold-start.ts';

export interface ColdStartMatchers<R> {
  /** Nothing is over the budget: multiples of what a function that does nothing takes here, so that it holds on slow machines. */
  toColdStartWithin(budget: ColdStartBudget): R;
}

/**
 * @example
 * expect.extend(coldStartMatchers);
 * declare module 'vitest' {
 *   interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends ColdStartMatchers<R> {}
 * }
 * expect(await cloud.coldStart('ocr')).toColdStartWithin({ total: 2, import: 1 });
 */
export const coldStartMatchers = {
  toColdStartWithin(received: unknown, budget: ColdStartBudget): { readonly pass: boolean; message(): string } {
    if (!isReport(received)) {
      return { pass: false, message: () => 'expected what cloud.coldStart() resolves to, got something else' };
    }
    const over = received.over(budget);
    return {
      pass: over.length === 0,
      message: () =>
        over.length > 0
          ? `${over.join('\n')}\n\n${stages(received)}`
          : `expected a cold start over ${JSON.stringify(budget)}, got one within`,
    };
  },
};

/** A line a stage, in the order in which they began. */
function stages({ stages }: ColdStartReport): string {
  return [...stages]
    .sort((a, b) => a.from - b.from)
    .map(({ stage, model, from, to }) => {
      const ms = `${from.toFixed(0).padStart(6)} – ${to.toFixed(0).padStart(5)} ms`;
      return `${stage.padEnd(8)}${ms}${model === undefined ? '' : `  ${model}`}`;
    })
    .join('\n');
}

function isReport(value: unknown): value is ColdStartReport {
  return typeof value === 'object' && value !== null && 'over' in value && 'stages' in value;
}
