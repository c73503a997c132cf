// The metrics as they are now: looked at again after each invocation, and while the page is seen.
import type { PageMetric } from '../page-data.ts';
import { changed } from './state.ts';

/** All functions'. */
export let metrics: readonly PageMetric[] = [];

const everyMs = 2_000;

export function followMetrics(): void {
  const look = async () => {
    if (document.hidden) return;
    try {
      const answered = await fetch('metrics');
      if (!answered.ok) return;
      metrics = await answered.json();
      changed();
    } catch {
      // The page says elsewhere that the cloud is away.
    }
  };
  void look();
  setInterval(() => void look(), everyMs);
}

/** Of a sorted copy: the value under which this share of them lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? 0;
}
