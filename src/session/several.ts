// Several sessions of one model as one, so that several runs go on at once: each in a thread of its own, with its part of the threads.
import type { Session, SessionFactory } from './session.ts';

/** A factory whose sessions run `runs` at once. @throws what `create` throws; those that were opened are closed */
export function severalAtOnce(create: SessionFactory, runs: number): SessionFactory {
  return async (modelPath, options) => {
    const threads = Math.max(1, Math.floor(options.threads / runs));
    const opened = await Promise.allSettled(
      Array.from({ length: runs }, () => create(modelPath, { ...options, threads })),
    );
    const sessions = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = opened.find((one) => one.status === 'rejected');
    if (!failed) return asOne(sessions);
    await closeAll(sessions);
    throw failed.reason;
  };
}

/** A run goes to the session with the fewest. */
function asOne(sessions: readonly Session[]): Session {
  const [first] = sessions;
  if (!first) throw new RangeError('expected at least one session');
  const under = sessions.map(() => 0);
  return {
    signature: first.signature,
    bytes: sessions.reduce((sum, { bytes }) => sum + bytes, 0),
    picked: first.picked,
    async run(feeds, options) {
      const at = under.indexOf(Math.min(...under));
      under[at]!++;
      try {
        return await sessions[at]!.run(feeds, options);
      } finally {
        under[at]!--;
      }
    },
    [Symbol.asyncDispose]: () => closeAll(sessions),
  };
}

async function closeAll(sessions: readonly Session[]): Promise<void> {
  const closed = await Promise.allSettled(sessions.map((session) => session[Symbol.asyncDispose]()));
  const errors = closed.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (errors.length > 0) throw new AggregateError(errors, 'sessions failed to close');
}
