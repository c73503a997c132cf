// A session without onnxruntime, for tests in which timing or failure is the subject.
import type { Signature } from '../core/signature.ts';
import type { Tensors } from '../tensor/tensor.ts';
import { checkFeeds } from './feeds.ts';
import type { Session } from './session.ts';

export interface FakeSession extends Session {
  readonly runs: readonly Tensors[];
  readonly disposed: boolean;
}

/** Answers by `answer`, keeps what it was fed, and counts as `bytes`. */
export function fakeSession(options: {
  signature: Signature;
  answer: (feeds: Tensors) => Tensors | Promise<Tensors>;
  bytes?: number;
}): FakeSession {
  const runs: Tensors[] = [];
  let disposed = false;
  return {
    signature: options.signature,
    bytes: options.bytes ?? 1,
    runs,
    get disposed() {
      return disposed;
    },
    async run(feeds) {
      checkFeeds(options.signature, feeds);
      runs.push(feeds);
      return await options.answer(feeds);
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
    },
  };
}
