// What a worker session and its thread say to each other, and how tensors and errors cross between them.
import { catalogue, type ErrorCode } from '../core/error-catalogue.ts';
import { GlowplugError } from '../core/errors.ts';
import type { Signature } from '../core/signature.ts';
import type { Tensor, Tensors } from '../tensor/tensor.ts';
import type { Picked, SessionOptions } from './session.ts';

export interface WorkerStart {
  readonly modelPath: string;
  readonly options: SessionOptions;
}

export type ToWorker = { readonly id: number; readonly feeds: Tensors } | 'close';

export type FromWorker =
  | {
      readonly kind: 'open';
      readonly signature: Signature;
      readonly bytes: number;
      readonly picked: Picked | undefined;
    }
  | { readonly kind: 'refused'; readonly error: PackedError }
  /** `ms`: the run alone. */
  | { readonly kind: 'ran'; readonly id: number; readonly outputs: Tensors; readonly ms: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: PackedError };

/** An error as it crosses: a structured clone would keep its message and lose its code. */
export interface PackedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
  /** The stacks of the causes. */
  readonly inside: string;
}

export function packError(error: unknown): PackedError {
  const inside = stacks(error);
  if (error instanceof GlowplugError) {
    const { code, message, remedy } = error;
    return { code, message, remedy, inside };
  }
  return { code: 'INTERNAL', message: 'a fault', remedy: catalogue.INTERNAL.remedy, inside };
}

export function unpackError({ code, message, remedy, inside }: PackedError): GlowplugError {
  const cause = new Error('in the thread of the session');
  cause.stack = inside;
  return new GlowplugError(code, message, { remedy, cause });
}

/**
 * The same tensors on buffers of their own, and those buffers, for postMessage to move. A view of a part is copied
 * even when it is given away: moving its buffer would take along what lies beside it.
 */
export function toMove(tensors: Tensors, givenAway: boolean): { moved: Tensors; buffers: ArrayBuffer[] } {
  const buffers = new Set<ArrayBuffer>();
  const own = (tensor: Tensor): Tensor => {
    if (tensor.datatype === 'BYTES') return tensor;
    const whole = tensor.data.byteLength === tensor.data.buffer.byteLength;
    const data = givenAway && whole && tensor.data.buffer instanceof ArrayBuffer ? tensor.data : tensor.data.slice();
    if (data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
    // slice() keeps the kind of array that the datatype pairs with: the seam where TypeScript cannot see it.
    return { ...tensor, data } as Tensor;
  };
  const moved = Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, own(tensor)]));
  return { moved, buffers: [...buffers] };
}

function stacks(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\ncaused by ${stacks(error.cause)}`;
}
