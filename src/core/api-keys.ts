// Whether a key is one of those that are known: for the container's server, and for the authorizer of an InferenceApi.
import { createHash, timingSafeEqual } from 'node:crypto';

/** Compared as digests, every key each time: how long it takes says nothing of which bytes were right. */
export function keyring(keys: readonly string[]): (key: string) => boolean {
  const known = keys.map(digest);
  return (key) => {
    const came = digest(key);
    let found = false;
    for (const each of known) found = timingSafeEqual(each, came) || found;
    return found;
  };
}

/** What may be logged of a key: which of several it was, and nothing that a client could send. */
export function keyId(key: string): string {
  return digest(key).toString('hex').slice(0, 12);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
