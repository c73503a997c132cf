// One input of a model as its function would feed it, with what is right where that is known.
import type { Tensors } from '../tensor/tensor.ts';

export interface Sample {
  /** For messages: the file it comes from, or its place. */
  readonly name: string;
  readonly feeds: Tensors;
  /** What a metric compares the outputs with. */
  readonly label?: unknown;
}
