// A model whose requests meet: the sessions that run it, and the batcher over them.
import { type BatchedStats, type BatchOptions, batched } from '../session/batched.ts';
import type { Session } from '../session/session.ts';

export { severalAtOnce } from '../session/several.ts';

/** Owns the session. `opened` hears of it; what that answers is called when it closes. @throws GlowplugError CONFIG_INVALID */
export async function inBatches(
  session: Session,
  options: BatchOptions,
  opened: (stats: () => BatchedStats) => () => void,
): Promise<Session> {
  try {
    // The batcher owns the session and closes it last: by then nothing runs that could still be counted.
    const closed: { tell?: () => void } = {};
    const told: Session = {
      ...session,
      async [Symbol.asyncDispose]() {
        closed.tell?.();
        await session[Symbol.asyncDispose]();
      },
    };
    const joined = batched(told, options);
    closed.tell = opened(() => joined.stats);
    return joined;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}
