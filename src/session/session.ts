// What the rest of glowplug knows of onnxruntime: a session with a signature that runs tensors.
import type { Priority } from '../batch/queue.ts';
import type { Met } from '../batch/work.ts';
import type { Provider } from '../core/provider.ts';
import type { Signature } from '../core/signature.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { Tensors } from '../tensor/tensor.ts';

export interface Session extends AsyncDisposable {
  readonly signature: Signature;
  /** Bytes the memory budget counts for it. */
  readonly bytes: number;
  readonly picked?: Picked | undefined;
  /** Runs once. Feeds are checked against the signature: a mismatch is INPUT_TENSOR, a fault of the run SESSION_FAILED. */
  run(feeds: Tensors, options?: RunOptions): Promise<Tensors>;
}

/** Deadline and priority are for a session in which requests meet: one that runs alone has nobody to put first. */
export interface RunOptions {
  /** A run that has not begun when it aborts is not begun. */
  readonly signal?: AbortSignal;
  /** The caller gives the arrays of the feeds away: a session in another thread takes them without a copy. */
  readonly transfer?: boolean;
  /** On the clock; refused as soon as no answer can be there by then. */
  readonly deadline?: number;
  readonly priority?: Priority;
  /** The span of who asks: `met` names those of all who shared the run. */
  readonly by?: TraceContext;
  /** Hears of each run that its rows were part of, where requests meet. */
  readonly met?: (met: Met) => void;
}

/** Where a session runs, and why it does not run elsewhere. */
export interface Picked {
  readonly provider: Provider;
  /** Those that were tried before, in order. */
  readonly passed: readonly { readonly provider: Provider; readonly why: string }[];
}

export interface SessionOptions {
  /** `auto`: TensorRT, CUDA or the CPU, the first that loads and computes what the CPU does. @default 'cpu' */
  readonly provider?: Provider | 'auto' | undefined;
  /** Its runs are written to a file whose name begins so, when it is disposed. */
  readonly profile?: string;
  /** Threads for one run. */
  readonly threads: number;
  /**
   * The weights stand in a file of their own, which may still fill: they are mapped and nothing reads them before the
   * first run, so no optimisation and no packing.
   */
  readonly mapped?: boolean;
  /** Its graph was optimised beforehand, for this processor: nothing is optimised when it loads. */
  readonly optimized?: boolean;
}

/** Makes a session from an ONNX file on disk. */
export type SessionFactory = (modelPath: string, options: SessionOptions) => Promise<Session>;

export interface Prepared {
  /** Whether a session may be made over a file that still fills. */
  readonly followsWrites: boolean;
}

/** Where sessions come from: onnxruntime in this thread or another, or a test's own. */
export interface Runtime {
  readonly create: SessionFactory;
  /**
   * Loads it, and lets it do what it does only once; files that fill would lie under `folder`. Without it sessions are made
   * for the long run, packed, when all bytes are there.
   */
  prepare?(folder: string): Promise<Prepared>;
}
