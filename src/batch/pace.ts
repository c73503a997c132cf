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
const WORTH = 0.1;
/** What is known of a rung is its last runs: hosts and neighbours change. */
const REMEMBERED = 7;
/** Runs of each side in a trial, in turn, so that a busy neighbour slows both. */
const TRIES = 7;
/** A larger rung that is no faster at all by then is given up: a trial must not cost where nothing is gained. */
const HOPELESS = 3;
/** Rungs that are tried beside the chosen one. Two up comes first: one that gains nothing may stand before one that does. */
const TRIED = [2, 1, -1, -2];
/** Runs before the next trials when none was won: this many, then twice as many … */
const [FIRST_REST, LONGEST_REST] = [64, 1024];
/** Batches that go without a window after one that brought nobody: 1, 2, 4 … this many. */
const LONGEST_PAUSE = 64;
/** Timers have whole milliseconds. */
const SHORTEST_WINDOW = 1;
/** A window may take this share of the objective. */
const WINDOW_SHARE = 0.1;

/** Batches of more than half of `rows` and up to it. */
interface Rung {
  readonly rows: number;
  /** Milliseconds a row of the last runs. */
  recent: number[];
}

/** Climbs a ladder of sizes 1, 2, 4 … `maxRows` while a larger one is worth it. */
export function selfTuned({ p95 }: Objective, maxRows: number): Pace {
  const rungs: Rung[] = [];
  for (let at = 0; at <= rungOf(maxRows); at++) rungs.push({ rows: Math.min(2 ** at, maxRows), recent: [] });
  const known = (at: number) => rungs[at]!.recent.length > 0;
  /** What a size can do: the fastest of the last runs. What neighbours took from the others is not the size's doing. */
  const fastest = (at: number) => Math.min(...rungs[at]!.recent);
  const usual = (at: number) => median(rungs[at]!.recent);

  let best = 0;
  /** The rung that is tried against the best one, and how many runs each has had in the trial. */
  let trial: { readonly rung: number; own: number; other: number; next: boolean } | undefined;
  let untried = [...TRIED];
  let rest = FIRST_REST;
  let resting = 0;
  let pauses = 0;
  let pause = 0;

  function time(rows: number): number | undefined {
    const own = Math.min(rungOf(rows), rungs.length - 1);
    for (let at = own; at >= 0; at--) if (known(at)) return usual(at) * rows;
    for (let at = own + 1; at < rungs.length; at++) if (known(at)) return usual(at) * rows;
    return undefined;
  }

  /** A row that comes while a run is under way waits for it, then for its own: twice the time, at worst. */
  const keepsObjective = (rows: number) => 2 * (time(rows) ?? 0) <= p95;

  /** The rows of the rung, or of a smaller one that keeps the objective; not when it is lost with so many waiting. */
  function within(rung: number, waiting: number): number {
    if ((time(rungs[best]!.rows) ?? 0) * (waiting / rungs[best]!.rows) > p95) return rungs[rung]!.rows;
    let at = rung;
    while (at > 0 && !keepsObjective(rungs[at]!.rows)) at--;
    return rungs[at]!.rows;
  }

  /** The next rung to try, of those that `waiting` rows reach. */
  function nextTrial(waiting: number): void {
    if (trial || resting > 0 || !known(best)) return;
    if (untried.length === 0) {
      [resting, rest, untried] = [rest, Math.min(LONGEST_REST, 2 * rest), [...TRIED]];
      return;
    }
    untried = untried.filter((step) => best + step >= 0 && best + step < rungs.length);
    const step = untried.find((one) => best + one <= rungOf(waiting));
    if (step === undefined) return;
    untried = untried.filter((one) => one !== step);
    trial = { rung: best + step, own: 0, other: 0, next: true };
  }

  function judge({ rung, own, other }: { rung: number; own: number; other: number }): void {
    const [small, large] = rung < best ? [rung, best] : [best, rung];
    const hopeless = rung > best && Math.min(own, other) >= HOPELESS && fastest(large) >= fastest(small);
    if (!hopeless && Math.min(own, other) < TRIES) {
      // So many wait no more as the trial needs: it is given up, and comes last.
      if (other < own + TRIES) return;
      untried.push(rung - best);
    } else {
      const chosen = fastest(large) < fastest(small) * (1 - WORTH) ? large : small;
      if (chosen !== best) [best, untried, rest] = [chosen, [...TRIED], FIRST_REST];
    }
    trial = undefined;
  }

  /** What a run costs beside its rows: what a lone row saves by riding along. */
  function fixedCost(): number {
    const least = rungs.findIndex((_rung, at) => known(at));
    return least < 0 || least >= best ? 0 : rungs[least]!.rows * (fastest(least) - fastest(best));
  }

  function windowNow(): number {
    const room = p95 - 2 * (time(rungs[best]!.rows) ?? p95);
    const ms = Math.min(fixedCost(), WINDOW_SHARE * p95, room);
    return ms >= SHORTEST_WINDOW ? ms : 0;
  }

  return {
    time,
    size(waiting) {
      nextTrial(waiting);
      const tries = trial?.next && rungOf(waiting) >= trial.rung;
      return within(tries ? trial!.rung : best, waiting);
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
      const at = Math.min(rungOf(rows), rungs.length - 1);
      const rung = rungs[at]!;
      // A trial is judged by runs of its own time alone.
      if (trial?.rung === at && trial.own === 0) rung.recent = [];
      if (trial && at === best && trial.other === 0) rung.recent = [];
      rung.recent = [...rung.recent, ms / rows].slice(-REMEMBERED);
      if (trial?.rung === at) [trial.own, trial.next] = [trial.own + 1, false];
      else if (trial && at === best) [trial.other, trial.next] = [trial.other + 1, true];
      if (trial) judge(trial);
      if (resting > 0) resting--;
    },
    get chosen() {
      const gain = known(0) && known(best) ? usual(0) / usual(best) : undefined;
      const curve = rungs.flatMap(({ rows }, at) => (known(at) ? { rows, msPerRow: usual(at) } : []));
      return { rows: within(best, 1), windowMs: windowNow(), gain, curve };
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
