// A process that dies at one of its requests to the store.
import type { Store } from '../../src/models/stores/store.ts';
import { watched } from './watched-store.ts';

/**
 * Runs `work`, whose request number `at` is not made, or is made and its answer never arrives; no later one is made. True when
 * it died, false when it was done before.
 */
export async function killAt(
  plain: Store,
  at: number,
  applied: boolean,
  work: (store: Store) => Promise<unknown>,
): Promise<boolean> {
  let count = 0;
  const { store } = watched(plain, async (send) => {
    count++;
    if (count < at) return await send();
    if (count > at) throw new Error('a dead process makes no request');
    if (applied) await unread(await send());
    throw new Killed();
  });
  try {
    await work(store);
    return false;
  } catch (error) {
    if (error instanceof Killed) return true;
    throw error;
  }
}

class Killed extends Error {}

/** A body that nobody reads would keep its file open. */
async function unread(answer: unknown): Promise<void> {
  if (typeof answer !== 'object' || answer === null || !('body' in answer)) return;
  if (answer.body instanceof ReadableStream) for await (const _chunk of answer.body);
}
