// Around a SnapStart snapshot: before it everything is warm and nothing of the outside world is held; after it, in each
// environment that is made of it, everything of the outside world is new (docs/decisions/snapshots.md).
import type { Contract } from '../core/contract.ts';
import { kernelRandom } from '../core/kernel-random.ts';
import { metricSet } from '../core/metric-set.ts';
import { closeConnections } from '../models/stores/send-get.ts';
import type { InferenceFunction, SnapshotHooks } from './define.ts';
import type { Environment } from './environment.ts';

export interface SnapshotOptions {
  readonly fn: InferenceFunction;
  readonly environment: () => Environment;
  readonly hooks: SnapshotHooks | undefined;
  /** What the environment's variables say now. */
  readonly readContract: () => Contract;
  /** Ends this environment: Lambda starts another. */
  readonly exit: () => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface Snapshot {
  before(): Promise<void>;
  after(features?: ReadonlySet<string>): Promise<void>;
}

export function snapshotOf(options: SnapshotOptions): Snapshot {
  const { fn, environment, hooks, readContract, exit, now = Date.now } = options;
  return {
    async before() {
      await fn.warm();
      await fn.settled();
      await hooks?.before?.();
      environment().beforeSnapshot();
      closeConnections();
    },
    async after(features) {
      const { log, clock } = environment();
      const begun = clock.now();
      closeConnections();
      const missing = environment().afterRestore(readContract(), features);
      if (missing.length > 0) {
        log.error(
          'this processor lacks what the snapshot’s had: the environment ends, so that another is initialised',
          {
            missing,
          },
        );
        return exit();
      }
      fn.restored();
      await hooks?.after?.({ seed: kernelRandom(32) });
      const set = metricSet({
        namespace: 'glowplug',
        dimensions: { FunctionName: readContract().functionName ?? '' },
        metrics: { Restore: { value: Math.round((clock.now() - begun) * 10) / 10, unit: 'Milliseconds' } },
        timestamp: now(),
      });
      log.info('restored from a snapshot', set);
    },
  };
}
