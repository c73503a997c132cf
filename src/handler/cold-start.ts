// Where the time of a cold start goes: its stages, told in one line of the log after the first answer.
import { type Clock, systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

export const stageNames = ['boot', 'lock', 'fetch', 'runtime', 'create', 'warm', 'run', 'request'] as const;
export type StageName = (typeof stageNames)[number];

/** Times are milliseconds since the process began. */
export interface Stage {
  readonly stage: StageName;
  readonly from: number;
  readonly to: number;
  readonly model?: string;
  /** Of a fetch, which is verified as it lands. */
  readonly bytes?: number;
}

/** The line's `message`, by which a log is searched. */
export const coldStartMessage = 'cold start';

/** Stages of the first request's way; after `finish` it forgets and records nothing. */
export class ColdStart {
  readonly #clock: Clock;
  #stages: Stage[] | undefined = [];

  /** @param importedAt until when the process booted, and from when the function's module loads */
  constructor(importedAt: number, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#add('boot', 0, importedAt);
  }

  /** Of an environment whose start nobody asks about. */
  static over(): ColdStart {
    const over = new ColdStart(0);
    over.#stages = undefined;
    return over;
  }

  get isOver(): boolean {
    return this.#stages === undefined;
  }

  async record<T>(stage: StageName, about: { model?: string; bytes?: number }, work: () => Promise<T>): Promise<T> {
    if (!this.#stages) return await work();
    const from = this.#clock.now();
    try {
      return await work();
    } finally {
      this.#add(stage, from, this.#clock.now(), about);
    }
  }

  /** Writes the line, once. */
  finish(log: Log): void {
    const stages = this.#stages;
    if (!stages) return;
    this.#stages = undefined;
    stages.sort((a, b) => a.from - b.from);
    log.info(coldStartMessage, { ms: stages.at(-1) && Math.max(...stages.map(({ to }) => to)), stages });
  }

  #add(stage: StageName, from: number, to: number, about: { model?: string; bytes?: number } = {}): void {
    this.#stages?.push({ stage, from: tenth(from), to: tenth(to), ...about });
  }
}

function tenth(ms: number): number {
  return Math.round(ms * 10) / 10;
}
