// A disk that is full or may not be written is nothing of ours: it is said so, and mended by hand.
import { GlowplugError } from '../core/errors.ts';

const meanings: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'it may not be written',
  EPERM: 'it may not be written',
};

/** CONFIG_INVALID in place of a system error of the disk; undefined for every other error. */
export function asDiskError(error: unknown): GlowplugError | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  const meaning = meanings[String(error.code)];
  if (!meaning) return undefined;
  const path = 'path' in error ? ` ${String(error.path)}` : '';
  return new GlowplugError('CONFIG_INVALID', `the local cloud cannot write its files${path}: ${meaning}`, {
    cause: error,
    remedy:
      'Make room, or give it another folder; .glowplug and what is called glowplug-* in the temporary folder may go.',
  });
}
