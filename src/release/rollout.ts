// A new version comes in by shares, watched at each: on to the next, or back to the old one at the first alarm.
import { type Clock, systemClock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';

/** What is shifted: a channel (channelWeight), a function's alias (aliasWeight), or several together. */
export interface Weight {
  /** This much of the requests goes to the new version. Repeated, it changes nothing. */
  shift(percent: number): Promise<void>;
  /** All of them do, from now on. */
  finish(): Promise<void>;
  /** None does; what `finish` did is undone, too. */
  goBack(): Promise<void>;
}

export interface RolloutState {
  /** `new`: nothing was shifted yet. */
  readonly status: 'new' | 'shifting' | 'done' | 'went back';
  readonly percent: number;
  /** The alarms that ended it. */
  readonly alarms?: readonly string[];
}

export const notBegun: RolloutState = { status: 'new', percent: 0 };

export interface RolloutStep {
  readonly weights: readonly Weight[];
  /** Percent, rising; after the last of them comes everything. */
  readonly steps: readonly number[];
  /** Names of the alarms that are on now. */
  readonly alarms: readonly string[];
}

/**
 * One decision, of the state before it and the alarms alone: what a state machine calls again and again. Repeated after a
 * failure it does the same. What fails half way is taken back before the error is thrown.
 */
export async function rolloutStep(state: RolloutState, step: RolloutStep): Promise<RolloutState> {
  const { weights, steps, alarms } = step;
  checkSteps(steps);
  if (state.status === 'done' || state.status === 'went back') return state;
  if (alarms.length > 0) {
    await goBack(weights);
    return { status: 'went back', percent: 0, alarms };
  }
  const next = steps.find((percent) => percent > state.percent);
  try {
    for (const weight of weights) await (next === undefined ? weight.finish() : weight.shift(next));
  } catch (error) {
    await goBack(weights);
    throw error;
  }
  return next === undefined ? { status: 'done', percent: 100 } : { status: 'shifting', percent: next };
}

export interface RollOutOptions extends Omit<RolloutStep, 'alarms'> {
  /** Asked at the end of each share's time. */
  alarms(): Promise<readonly string[]>;
  readonly secondsPerStep: number;
  readonly onStep?: (state: RolloutState) => void;
  readonly clock?: Clock;
}

/** The whole of it, where a process may wait. Alarms that are on before it begins leave everything as it is. */
export async function rollOut(options: RollOutOptions): Promise<RolloutState> {
  const { weights, steps, secondsPerStep, onStep = () => {}, clock = systemClock } = options;
  let state = notBegun;
  while (state.status === 'new' || state.status === 'shifting') {
    state = await rolloutStep(state, { weights, steps, alarms: await options.alarms() });
    onStep(state);
    if (state.status === 'shifting') await clock.sleep(secondsPerStep * 1000);
  }
  return state;
}

/** In reverse order; each is tried, whatever became of the others. */
async function goBack(weights: readonly Weight[]): Promise<void> {
  const errors: unknown[] = [];
  for (const weight of weights.toReversed()) await weight.goBack().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw new AggregateError(errors, 'the rollout could not be taken back whole');
}

function checkSteps(steps: readonly number[]): void {
  if (steps.length > 0 && steps.every((percent, at) => percent > (steps[at - 1] ?? 0) && percent < 100)) return;
  throw new GlowplugError('CONFIG_INVALID', `expected the steps of a rollout to rise between 0 and 100, got ${steps}`, {
    remedy: 'Write them in percent, such as [10, 50]; 100 follows by itself.',
  });
}
