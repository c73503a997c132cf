import type { Digest } from './version.ts';

/** Where a store has the bytes of that digest. */
export function blobKey(model: string, digest: Digest): string {
  return `${model}/blobs/sha256/${digest.slice('sha256:'.length)}`;
}
