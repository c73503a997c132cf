// What the rest of glowplug knows of onnxruntime: a session with a signature that runs tensors.
import type { Priority } from '../batch/queue.ts';
import type { Signature } from '../core/signature.ts';
import type { Tensors } from '../tensor/tensor.ts';

export interface Session extends AsyncDisposable {
  readonly signature: Signature;
  /** Bytes the memory budget counts for it. */
  readonly bytes: number;
  /** Runs once. Feeds are checked against the signature: a mismatch is INPUT_TENSOR, a fault of the run SESSION_FAILED. */
  run(feeds: Tensors, options?: RunOptions): Promise<Tensors>;
}

/** What a batched session goes by; one that runs alone has nobody to put first and cannot stop a run. */
export interface RunOptions {
  /** Aborting takes the rows out of the queue. */
  readonly signal?: AbortSignal;
  /** On the clock; refused as soon as no answer can be there by then. */
  readonly deadline?: number;
  readonly priority?: Priority;
}

export interface SessionOptions {
  /** Threads for one run. */
  readonly threads: number;
}

/** Makes a session from an ONNX file on disk. */
export type SessionFactory = (modelPath: string, options: SessionOptions) => Promise<Session>;
