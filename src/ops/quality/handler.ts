// QualityMonitor's scheduled job: how a function does in the window that ends now, as a report in the bucket and as metrics.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readContract } from '../../core/contract.ts';
import { GlowplugError } from '../../core/errors.ts';
import { consoleLog, type Log } from '../../core/log.ts';
import { metricSet } from '../../core/metric-set.ts';
import { openStore } from '../../models/stores/open-store.ts';
import type { Store } from '../../models/stores/store.ts';
import type { Baseline } from '../../quality/baseline.ts';
import { drifting, type QualityReport, qualityReport } from '../../quality/report.ts';

/** As the construct writes it beside the handler. */
export interface Watched {
  readonly function: string;
  /** Hours of the window. */
  readonly hours: number;
  readonly baseline: Baseline;
}

export async function handler(): Promise<QualityReport> {
  const contract = readContract();
  const { functionName = 'quality' } = contract;
  const watched = JSON.parse(await readFile(join(contract.taskRoot ?? '.', 'watched.json'), 'utf8'));
  return await watch(watched, { store: await openStore(contract), now: new Date(), log: consoleLog, functionName });
}

export async function watch(
  { function: name, hours, baseline }: Watched,
  {
    store,
    now,
    log,
    functionName,
  }: {
    readonly store: Store;
    readonly now: Date;
    readonly log: Log;
    /** The job's own, as it is called on AWS: two stages of an account may both watch an iris. */
    readonly functionName: string;
  },
): Promise<QualityReport> {
  const from = new Date(now.getTime() - hours * 3_600_000);
  const report = await qualityReport(store, name, baseline, { from, to: now });
  const key = `reports/${name}/${now.toISOString().slice(0, 16)}Z.json`;
  await store.put(key, new TextEncoder().encode(JSON.stringify(report)), { ifNoneMatch: '*' }).catch(unlessThere);
  const drifts = drifting(report);
  const { drift, accuracy } = report;
  log.info('quality', {
    ...(drifts.length > 0 ? { drifts } : {}),
    ...metricSet({
      namespace: 'glowplug',
      dimensions: { FunctionName: functionName },
      timestamp: now.getTime(),
      metrics: {
        Captured: { value: report.captured, unit: 'Count' },
        Drifting: { value: drifts.length, unit: 'Count' },
        StabilityIndex: { value: Math.max(0, ...drift.features.map((one) => one.stabilityIndex)), unit: 'None' },
        ...(accuracy?.accuracy === undefined
          ? {}
          : {
              Labelled: { value: accuracy.labelled, unit: 'Count' },
              Accuracy: { value: accuracy.accuracy, unit: 'None' },
              AccuracyAtMost: { value: accuracy.interval[1], unit: 'None' },
            }),
      },
    }),
  });
  return report;
}

/** Another run of the same minute wrote it. */
function unlessThere(error: unknown): void {
  if (!(error instanceof GlowplugError && error.code === 'STORE_CONFLICT')) throw error;
}
