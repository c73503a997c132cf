// What passes between the process that measures and those in which variants run.
import type { Tensors } from '../../tensor/tensor.ts';

export type ToVariant =
  | {
      readonly kind: 'open';
      readonly path: string;
      readonly threads: number;
      /** As a function's cold start makes it, onnxruntime loaded beforehand. */
      readonly cold?: { readonly mapped: boolean; readonly optimized: boolean };
    }
  | { readonly kind: 'run'; readonly feeds: Tensors; readonly count: number }
  | { readonly kind: 'memory' };

export type FromVariant =
  /** Milliseconds, and those of processor time. */
  | { readonly kind: 'opened'; readonly loadMs: number; readonly cpuMs: number }
  /** Milliseconds of each run; milliseconds of processor time of all of them. */
  | { readonly kind: 'ran'; readonly ms: readonly number[]; readonly cpuMs: number }
  /** Bytes of the process at its largest. */
  | { readonly kind: 'peak'; readonly bytes: number }
  | { readonly kind: 'failed'; readonly message: string };
