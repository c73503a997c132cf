// Runs another version on the feeds of a run that was answered, and says how far its outputs are from the answer's.
import type { Clock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { named } from '../models/channel.ts';
import type { LockedVersion } from '../models/version.ts';
import type { Lease } from '../session/pool.ts';
import { difference } from '../tensor/difference.ts';
import type { Tensors } from '../tensor/tensor.ts';

export interface AnsweredRun {
  readonly requestId: string;
  readonly version: LockedVersion;
  readonly feeds: Tensors;
  readonly outputs: Tensors;
}

interface ShadowRunOptions {
  readonly tolerance: number;
  /** The version to compare with; undefined while there is none. */
  version(): Promise<LockedVersion | undefined>;
  lease(version: LockedVersion): Promise<Lease>;
  readonly clock: Clock;
  readonly log: Log;
}

export class ShadowRun {
  readonly #options: ShadowRunOptions;
  /** One at most: what comes while it waits is not compared, so memory and work have a bound whatever the traffic. */
  #waiting: AnsweredRun | undefined;
  #running = false;
  #failed = '';

  constructor(options: ShadowRunOptions) {
    this.#options = options;
  }

  /** Keeps a copy: the function may write into what it fed and got. */
  offer(run: AnsweredRun): void {
    if (this.#waiting || this.#running) return;
    this.#waiting = { ...run, feeds: copy(run.feeds), outputs: copy(run.outputs) };
  }

  /** Runs what waits. Never rejects. */
  async run(): Promise<void> {
    const answered = this.#waiting;
    if (!answered || this.#running) return;
    this.#waiting = undefined;
    this.#running = true;
    try {
      await this.#compare(answered);
    } catch (error) {
      this.#complain(answered, error);
    } finally {
      this.#running = false;
    }
  }

  async #compare({ requestId, version, feeds, outputs }: AnsweredRun): Promise<void> {
    const { clock, log, tolerance } = this.#options;
    const shadow = await this.#options.version();
    if (!shadow || shadow.digest === version.digest) return;
    using held = await this.#options.lease(shadow);
    const started = clock.now();
    const { output, most } = difference(outputs, await held.session.run(feeds));
    const ms = Math.round((clock.now() - started) * 10) / 10;
    const fields = { requestId, answered: named(version), shadow: named(shadow), output, difference: most, ms };
    if (most <= tolerance) log.info('the shadow agrees', fields);
    else log.warn('the shadow differs', { ...fields, tolerance });
    this.#failed = '';
  }

  #complain({ requestId }: AnsweredRun, error: unknown): void {
    const code = error instanceof GlowplugError ? error.code : 'INTERNAL';
    if (this.#failed === code) return;
    this.#failed = code;
    this.#options.log.warn('the shadow failed; the answer had gone', { requestId, code, error: String(error) });
  }
}

function copy(tensors: Tensors): Tensors {
  return Object.fromEntries(
    // slice() of each array is of its own kind: the seam where TypeScript cannot see it.
    Object.entries(tensors).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() } as typeof tensor]),
  );
}
