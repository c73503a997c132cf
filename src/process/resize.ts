// An image at another size. Our own, because what surrounds a model are small crops of pixels that are already in
// memory: handing each to sharp costs a thread's turn and two copies, and binds pure functions to a native package.
import { GlowplugError } from '../core/errors.ts';
import type { RawImage } from '../tensor/image.ts';

/**
 * Bilinear; where it shrinks, the triangle widens with the factor, so that no pixel is skipped and thin strokes survive.
 *
 * @example
 * const small = resize(image, 224, 224);
 */
export function resize(image: RawImage, width: number, height: number): RawImage {
  checkSize(width, height);
  if (width === image.width && height === image.height) return image;
  const columns = weightsOf(image.width, width);
  const rows = weightsOf(image.height, height);
  const data = new Uint8Array(width * height * 3);
  // Each source row is made narrow once and kept while output rows still need it.
  const narrow = new Map<number, Float32Array>();
  const sum = new Float32Array(width * 3);
  for (let y = 0; y < height; y++) {
    const first = rows.starts[y]!;
    for (const kept of narrow.keys()) if (kept < first) narrow.delete(kept);
    sum.fill(0.5);
    for (let k = 0; k < rows.taps; k++) {
      const weight = rows.weights[y * rows.taps + k]!;
      if (weight === 0) continue;
      let line = narrow.get(first + k);
      if (!line) {
        line = narrowRow(image, first + k, width, columns);
        narrow.set(first + k, line);
      }
      for (let i = 0; i < sum.length; i++) sum[i]! += weight * line[i]!;
    }
    data.set(sum, y * width * 3);
  }
  return { width, height, channels: 3, data };
}

/** Sizes come from arithmetic on what a client sent: refuse what no image can have. */
export function checkSize(width: number, height: number): void {
  if (Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0) return;
  throw new GlowplugError('INPUT_IMAGE', `expected a size of whole pixels of at least 1×1, got ${width}×${height}`);
}

interface Weights {
  /** First source index of each output index. */
  readonly starts: Int32Array;
  /** `taps` weights for each output index; they sum to 1. */
  readonly weights: Float32Array;
  readonly taps: number;
}

function weightsOf(from: number, to: number): Weights {
  const scale = from / to;
  const reach = Math.max(1, scale);
  const taps = Math.min(from, Math.ceil(reach) * 2 + 1);
  const starts = new Int32Array(to);
  const weights = new Float32Array(to * taps);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale - 0.5;
    const start = Math.max(0, Math.min(from - taps, Math.ceil(centre - reach)));
    starts[i] = start;
    let total = 0;
    for (let k = 0; k < taps; k++) {
      const weight = Math.max(0, 1 - Math.abs(start + k - centre) / reach);
      weights[i * taps + k] = weight;
      total += weight;
    }
    for (let k = 0; k < taps; k++) weights[i * taps + k]! /= total;
  }
  return { starts, weights, taps };
}

function narrowRow(image: RawImage, y: number, width: number, columns: Weights): Float32Array {
  const { starts, weights, taps } = columns;
  const { data } = image;
  const row = y * image.width * 3;
  const line = new Float32Array(width * 3);
  for (let x = 0; x < width; x++) {
    let [red, green, blue] = [0, 0, 0];
    let at = row + starts[x]! * 3;
    for (let k = x * taps; k < (x + 1) * taps; k++, at += 3) {
      const weight = weights[k]!;
      red += weight * data[at]!;
      green += weight * data[at + 1]!;
      blue += weight * data[at + 2]!;
    }
    line[x * 3] = red;
    line[x * 3 + 1] = green;
    line[x * 3 + 2] = blue;
  }
  return line;
}
