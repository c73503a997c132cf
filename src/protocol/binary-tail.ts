// The bytes after a request's JSON, taken tensor by tensor.
import { shorten } from '../core/errors.ts';
import { decodeBinary } from '../tensor/binary.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { malformed } from './malformed.ts';

export class BinaryTail {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @throws GlowplugError INPUT_TENSOR */
  take(name: string, datatype: unknown, shape: unknown, size: unknown): Tensor {
    const left = this.#bytes.byteLength - this.#at;
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > left) {
      throw malformed(
        `input ${shorten(name)} with a "binary_data_size" of at most the ${left} bytes that are left`,
        size,
      );
    }
    const bytes = this.#bytes.subarray(this.#at, this.#at + size);
    this.#at += size;
    return decodeBinary(name, datatype, shape, bytes);
  }

  /** @throws GlowplugError INPUT_TENSOR for bytes that belong to no tensor */
  end(): void {
    const left = this.#bytes.byteLength - this.#at;
    if (left > 0) throw malformed('the body to end with its last tensor', `${left} bytes more`);
  }
}
