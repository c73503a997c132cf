// Bytes from the kernel itself: what Node's generators hold is part of a snapshot, and the same in all who come of it.
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

export function kernelRandom(bytes: number): Uint8Array {
  const random = new Uint8Array(bytes);
  try {
    const fd = openSync('/dev/urandom', 'r');
    try {
      readSync(fd, random);
    } finally {
      closeSync(fd);
    }
    return random;
  } catch {
    return randomBytes(bytes);
  }
}
