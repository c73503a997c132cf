// An image fitted into a given size without changing its proportions, and the way back for what was found in it.
import type { RawImage } from '../tensor/image.ts';
import type { Point } from './geometry.ts';
import { checkSize, resize } from './resize.ts';

export interface LetterboxOptions {
  readonly width: number;
  readonly height: number;
  /** Colour of the bars; default black. */
  readonly fill?: readonly [red: number, green: number, blue: number];
  /** Where the image lies in the free room; default centre. */
  readonly align?: 'centre' | 'top-left';
  /** Factor, where the caller has a better one than the largest that fits: it must fit. */
  readonly scale?: number;
}

export interface Letterboxed {
  readonly image: RawImage;
  /** Letterboxed pixels per pixel of the original, for each axis: rounding to whole pixels makes them differ a little. */
  readonly scale: Point;
  readonly offset: Point;
}

/**
 * @example
 * const fitted = letterbox(image, { width: 640, height: 640, fill: [114, 114, 114] });
 * const corner = unletterbox([320, 320], fitted); // in the original's pixels
 */
export function letterbox(image: RawImage, options: LetterboxOptions): Letterboxed {
  const { width, height, fill = [0, 0, 0], align = 'centre' } = options;
  checkSize(width, height);
  const scale = options.scale ?? Math.min(width / image.width, height / image.height);
  const inner = resize(
    image,
    Math.max(1, Math.min(width, Math.round(image.width * scale))),
    Math.max(1, Math.min(height, Math.round(image.height * scale))),
  );
  const left = align === 'centre' ? (width - inner.width) >> 1 : 0;
  const top = align === 'centre' ? (height - inner.height) >> 1 : 0;
  return {
    image: place(inner, width, height, left, top, fill),
    scale: [inner.width / image.width, inner.height / image.height],
    offset: [left, top],
  };
}

/** A point of the letterboxed image in the original's pixels. */
export function unletterbox([x, y]: Point, { scale, offset }: Letterboxed): Point {
  return [(x - offset[0]) / scale[0], (y - offset[1]) / scale[1]];
}

function place(
  inner: RawImage,
  width: number,
  height: number,
  left: number,
  top: number,
  fill: readonly [number, number, number],
): RawImage {
  if (inner.width === width && inner.height === height) return inner;
  const data = new Uint8Array(width * height * 3);
  if (fill.some((value) => value !== 0)) {
    for (let at = 0; at < data.length; at += 3) {
      data[at] = fill[0];
      data[at + 1] = fill[1];
      data[at + 2] = fill[2];
    }
  }
  for (let y = 0; y < inner.height; y++) {
    const row = inner.data.subarray(y * inner.width * 3, (y + 1) * inner.width * 3);
    data.set(row, ((top + y) * width + left) * 3);
  }
  return { width, height, channels: 3, data };
}
