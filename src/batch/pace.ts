// How many rows make a batch, and how long to wait for them: learnt from the runs themselves. The rule and its figures:
// docs/decisions/batcher.md.

/** What decides size and window of one bucket's batches, and is told what came of them. */
export interface Pace {
  /** Rows of the next batch when `waiting` wait; at least 1. */
  size(waiting: number): number;
  /** Milliseconds that a batch which is not full waits for more. */
  window(): number;
  /** A window brought this many rows. */
  waited(rows: number): void;
  /** A run of `rows` took `ms`. */
  ran(rows: number, ms: number): void;
  /** Milliseconds that a run of `rows` will take; undefined before there was one. */
  time(rows: number): number | undefined;
  readonly chosen: Chosen;
}

/** What was chosen, and from what. */
export interface Chosen {
  readonly rows: number;
  readonly windowMs: number;
  /** Rows a second at that size over rows a second one by one; undefined before both are known. */
  readonly gain: number | undefined;
  /** What was learnt: batches of up to `rows` take `msPerRow`. */
  readonly curve: readonly { readonly rows: number; readonly msPerRow: number }[];
}

export interface Objective {
  /** Milliseconds from a row's arrival to its answer for 95 of 100. */
  readonly p95: number;
}

/** A rung must beat a smaller one by this share of its time a row: less is noise, and smaller answers sooner. */
const WORTH = 0.05;
/** A rung's time is the median of its last runs: one garbage collection or one cold first run does not move it. */
const REMEMBERED = 7;
/** Runs that a rung gets before it is judged. */
const TRIES = 3;
/** Rungs above the chosen one that are tried: one that gains nothing may stand before one that does. */
const AHEAD = 2;
/** After so many runs a rung that was found wanting is tried again: hosts and neighbours change. */
const TRY_AGAIN = 500;
/** Batches that go without a window after one that brought nobody: 1, 2, 4 … this many. */
const LONGEST_PAUSE = 64;
/** Timers have whole milliseconds. */
const SHORTEST_WINDOW = 1;

interface Rung {
  readonly rows: number;
  /** Milliseconds a row of the last runs, a ring. */
  readonly recent: number[];
  msPerRow: number;
  runs: number;
  lastRun: number;
}

/** Climbs a ladder of sizes 1, 2, 4 … `maxRows` while the next is worth it and keeps the objective. */
export function selfTuned({ p95 }: Objective, maxRows: number): Pace {
  const rungs: Rung[] = [];
  for (let at = 0; at <= rungOf(maxRows); at++) {
    rungs.push({ rows: Math.min(2 ** at, maxRows), recent: [], msPerRow: Number.NaN, runs: 0, lastRun: 0 });
  }
  let runs = 0;
  let best = 0;
  let pauses = 0;
  let pause = 0;

  /** A row comes while a run is under way and waits for it, then for its own: twice the time, at worst. */
  const keepsObjective = (rows: number) => 2 * (time(rows) ?? 0) <= p95;

  function time(rows: number): number | undefined {
    const own = rungOf(rows);
    for (let at = Math.min(own, rungs.length - 1); at >= 0; at--) if (known(at)) return rungs[at]!.msPerRow * rows;
    for (let at = own + 1; at < rungs.length; at++) if (known(at)) return rungs[at]!.msPerRow * rows;
    return undefined;
  }

  function known(at: number): boolean {
    return rungs[at]!.runs > 0;
  }

  /** The smallest rung that no larger one beats by more than WORTH, of those that keep the objective. */
  function choose(): number {
    let chosen: number | undefined;
    for (const [at, rung] of rungs.entries()) {
      if (!known(at) || (at > 0 && !keepsObjective(rung.rows))) continue;
      if (chosen === undefined || rung.msPerRow < rungs[chosen]!.msPerRow * (1 - WORTH)) chosen = at;
    }
    return chosen ?? 0;
  }

  /** What a run costs beside its rows: the time that a lone row's run would save by riding along. */
  function fixedCost(): number {
    const least = rungs.findIndex((_rung, at) => known(at));
    if (least < 0 || least >= best) return 0;
    return rungs[least]!.rows * (rungs[least]!.msPerRow - rungs[best]!.msPerRow);
  }

  function windowNow(): number {
    const ms = Math.min(fixedCost(), p95 - 2 * (time(rungs[best]!.rows) ?? p95));
    return ms >= SHORTEST_WINDOW ? ms : 0;
  }

  return {
    time,
    size(waiting) {
      const reachable = Math.min(rungOf(waiting), rungs.length - 1, best + AHEAD);
      for (let at = best + 1; at <= reachable; at++) {
        const rung = rungs[at]!;
        const due = rung.runs < TRIES || runs - rung.lastRun > TRY_AGAIN;
        if (due && keepsObjective(rung.rows)) return rung.rows;
      }
      return rungs[best]!.rows;
    },
    window() {
      if (pause > 0) {
        pause--;
        return 0;
      }
      return windowNow();
    },
    waited(rows) {
      pauses = rows > 0 ? 0 : Math.min(LONGEST_PAUSE, Math.max(1, 2 * pauses));
      pause = pauses;
    },
    ran(rows, ms) {
      const rung = rungs[Math.min(rungOf(rows), rungs.length - 1)]!;
      rung.recent[rung.runs % REMEMBERED] = ms / rows;
      rung.msPerRow = median(rung.recent);
      rung.runs++;
      rung.lastRun = ++runs;
      best = choose();
    },
    get chosen() {
      const alone = rungs[0]!.msPerRow;
      const gain = known(0) && known(best) ? alone / rungs[best]!.msPerRow : undefined;
      const curve = rungs.filter((_rung, at) => known(at)).map(({ rows, msPerRow }) => ({ rows, msPerRow }));
      return { rows: rungs[best]!.rows, windowMs: windowNow(), gain, curve };
    },
  };
}

/** Always the same size and window: what the self-tuned one is measured against. */
export function fixedPace(rows: number, windowMs: number): Pace {
  let msPerRow: number | undefined;
  return {
    size: () => rows,
    window: () => windowMs,
    waited() {},
    ran(count, ms) {
      msPerRow = ms / count;
    },
    time: (count) => (msPerRow === undefined ? undefined : msPerRow * count),
    chosen: { rows, windowMs, gain: undefined, curve: [] },
  };
}

/** Rung 0 holds batches of 1, rung 1 of 2, rung 2 of 3 and 4, rung 3 of 5 to 8 … */
function rungOf(rows: number): number {
  return 32 - Math.clz32(rows - 1);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
