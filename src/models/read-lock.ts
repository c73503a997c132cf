// The lock slice beside a bundle, or the app's own lock file.
import { readFileSync } from 'node:fs';
import { GlowplugError } from '../core/errors.ts';
import { parseLock } from './lock.ts';
import type { Lock } from './version.ts';

/** @throws GlowplugError LOCK_STALE */
export function readLock(path: string): Lock {
  let text: string;
  try {
    // A few KB, once, before anything else can be done: a trip to the thread pool would take longer.
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new GlowplugError('LOCK_STALE', `expected the lock file at ${path}, it cannot be read`, { cause });
  }
  return parseLock(text);
}
