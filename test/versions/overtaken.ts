// A store in which somebody else is faster.
import type { Store } from '../../src/models/stores/store.ts';
import { watched } from './watched-store.ts';

/** `act` happens after our first read and before our first write. */
export function overtaken(plain: Store, act: () => Promise<unknown>) {
  let raced = false;
  return watched(plain, async (send, request) => {
    if (!raced && request.startsWith('PUT')) {
      raced = true;
      await act();
    }
    return await send();
  });
}
