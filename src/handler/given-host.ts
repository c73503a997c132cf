// What a server gives the functions that it loads, in place of what they would make for themselves.
import type { Contract } from '../core/contract.ts';
import type { BatchedStats } from '../session/batched.ts';
import type { SessionFactory } from '../session/session.ts';

export interface GivenHost {
  readonly contract: Contract;
  readonly createSession: SessionFactory;
  readonly onBatched?: OnBatched;
}

/** Hears of each session in which requests meet: how it does, when asked. What it returns is called when that session closes. */
export type OnBatched = (model: string, stats: () => BatchedStats) => () => void;

/**
 * Functions that are defined while `load` runs take this host. It goes through the global object because a bundle
 * carries its own copy of this module; the number is the edition of what is handed over.
 */
export function withHost<T>(host: GivenHost, load: () => T): T {
  const before: unknown = Reflect.get(globalThis, key);
  Reflect.set(globalThis, key, host);
  try {
    return load();
  } finally {
    Reflect.set(globalThis, key, before);
  }
}

export function givenHost(): GivenHost | undefined {
  // Only withHost sets it: the seam where TypeScript cannot see it.
  return Reflect.get(globalThis, key) as GivenHost | undefined;
}

const key = Symbol.for('glowplug.host.1');
