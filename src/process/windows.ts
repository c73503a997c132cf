// A long row as windows of one size: for models that read so many samples or tokens at once, and no more.
import { GlowplugError } from '../core/errors.ts';

export interface Window {
  /** Index of the first element. */
  readonly start: number;
  /** Index after the last one; the last window may be shorter than the others. */
  readonly end: number;
}

/**
 * Windows of `size` over `length` elements, a new one every `step`: side by side without one, overlapping with a smaller one. The last
 * window ends with the row, and none lies wholly in the one before.
 *
 * @throws GlowplugError INPUT_TENSOR for a size or step that is no whole number above 0, or a step beyond the size
 * @example
 * [...windows(1200, 512)]; // 0–512, 512–1024, 1024–1200
 */
export function* windows(length: number, size: number, step: number = size): Generator<Window> {
  if (!(Number.isSafeInteger(size) && Number.isSafeInteger(step) && step > 0 && step <= size)) {
    throw new GlowplugError(
      'INPUT_TENSOR',
      `expected windows of whole sizes and a step up to them, got ${size}, ${step}`,
    );
  }
  for (let start = 0; start < length; start += step) {
    const end = Math.min(length, start + size);
    yield { start, end };
    if (end === length) return;
  }
}
