// One request that is worth an answer: asked again while the function is busy or away, and given up when it refuses.
import type { Clock } from '../core/clock.ts';
import { passing } from './outcome.ts';

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface AskOptions {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Tries in all. */
  readonly tries: number;
}

const firstPauseMs = 200;
const longestPauseMs = 20_000;

/** The last answer, whatever it is; throws only when no try had one. */
export async function ask(send: () => Promise<Response>, options: AskOptions): Promise<Asked> {
  const { clock, random, signal, tries } = options;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    let pause = firstPauseMs * 2 ** (attempt - 1) * (0.5 + random());
    try {
      const response = await send();
      const body = new Uint8Array(await response.arrayBuffer());
      if (!passing.has(response.status) || attempt === tries) {
        return { status: response.status, headers: response.headers, body };
      }
      const wanted = Number(response.headers.get('retry-after'));
      if (wanted > 0) pause = Math.max(pause, wanted * 1000);
    } catch (error) {
      if (signal?.aborted || attempt === tries) throw error;
    }
    await clock.sleep(Math.min(pause, longestPauseMs), signal);
  }
}
