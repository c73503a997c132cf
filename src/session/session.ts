// What the rest of glowplug knows of onnxruntime: a session with a signature that runs tensors.
import type { Signature } from '../core/signature.ts';
import type { Tensors } from '../tensor/tensor.ts';

export interface Session extends AsyncDisposable {
  readonly signature: Signature;
  /** Bytes the memory budget counts for it. */
  readonly bytes: number;
  /** Runs once. Feeds are checked against the signature: a mismatch is INPUT_TENSOR, a fault of the run SESSION_FAILED. */
  run(feeds: Tensors): Promise<Tensors>;
}

export interface SessionOptions {
  /** Threads for one run. */
  readonly threads: number;
  /**
   * The weights stand in a file of their own, which may still fill: they are mapped and nothing reads them before the
   * first run, so no optimisation and no packing.
   */
  readonly mapped?: boolean;
}

/** onnxruntime, or a test's own. */
export interface Runtime {
  /**
   * Loads it, and lets it do what it does only once. `followsWrites` says whether a session may be made over a file under
   * `folder` that still fills.
   */
  prepare(folder: string): Promise<{ readonly followsWrites: boolean }>;
  /** Makes a session from an ONNX file on disk. */
  create(modelPath: string, options: SessionOptions): Promise<Session>;
}
