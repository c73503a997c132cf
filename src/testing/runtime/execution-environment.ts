// What runs a function in the local cloud, and what it is given.
import type { Invocation, Outcome, StreamOutcome } from '../invocation.ts';
import type { FunctionLog } from './function-log.ts';
import type { CloudIdentity, FunctionSpec } from './function-spec.ts';
import type { RuntimeClient } from './locate-client.ts';
import type { Reaper } from './reaper.ts';

/** `Environment`, or `ManagedEnvironment` for many requests at once. */
export interface ExecutionEnvironment {
  /** Requests that it takes at once. */
  readonly capacity: number;
  init(): Promise<void>;
  /** @param diesAfterMs so long after it was handed the invocation the environment dies */
  invoke(invocation: Invocation, diesAfterMs?: number): Promise<Invoked>;
  freeze(): void;
  checkMemory(): void;
  /** As when its host dies: what it works on fails, and what comes next begins with an init. */
  kill(): Promise<void>;
  end(): Promise<void>;
}

export interface EnvironmentOptions {
  readonly spec: FunctionSpec;
  readonly where: CloudIdentity;
  /** The sandbox's own folder; it goes with the environment. */
  readonly folder: string;
  readonly client: RuntimeClient;
  readonly reaper: Reaper;
  readonly log: FunctionLog;
  readonly initLimitMs?: number;
}

export interface Invoked {
  readonly outcome: Outcome | StreamOutcome;
  readonly free: Promise<void>;
}
