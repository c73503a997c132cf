// At least once: some messages come a second time, later, with a receipt that is stale by then.
import type { Message } from './message.ts';
import type { PolledQueue } from './queue-poller.ts';

/** @param comesAgain asked for each message that came */
export function withDuplicates(queue: PolledQueue, comesAgain: () => boolean): PolledQueue {
  const again: Message[] = [];
  return {
    ...queue,
    async receive(most, waitMs) {
      const came = await queue.receive(most, again.length > 0 ? Math.min(waitMs, 100) : waitMs);
      const repeated = again.splice(0, most - came.length);
      again.push(...came.filter(comesAgain));
      return [...came, ...repeated];
    },
  };
}
