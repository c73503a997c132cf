// A store that writes down each request, and lets a test stand in its way.
import type { Store } from '../../src/models/stores/store.ts';

export interface Watched {
  readonly store: Store;
  /** Such as `GET tiny/index.json`, in the order in which they were made. */
  readonly requests: string[];
}

/** `around` runs each request by calling `send`, sooner, later, or never. */
export function watched(
  store: Store,
  around: <T>(send: () => Promise<T>, request: string) => Promise<T> = (send) => send(),
): Watched {
  const requests: string[] = [];
  const through = <T>(request: string, send: () => Promise<T>) => {
    requests.push(request);
    return around(send, request);
  };
  return {
    requests,
    store: {
      ...store,
      get: (key, options) => through(`GET ${key}`, () => store.get(key, options)),
      head: (key, options) => through(`HEAD ${key}`, () => store.head(key, options)),
      put: (key, body, condition) => through(`PUT ${key}`, () => store.put(key, body, condition)),
    },
  };
}
