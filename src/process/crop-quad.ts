// Cuts four corners out of an image and lays them flat: a slanted or turned line of text becomes an upright strip.
import type { RawImage } from '../tensor/image.ts';
import { distance, type Point, type Quad } from './geometry.ts';
import { checkSize } from './resize.ts';

/** Samples for each output pixel and axis. More would only matter where 16 pixels become one. */
const MAX_SAMPLES = 16;

/**
 * The quad's content as an upright image of `width` × `height`: perspective, bilinear, averaged where it shrinks.
 * Outside the image its edge pixels go on.
 *
 * @param quad top left, top right, bottom right, bottom left, in the image's pixels
 */
export function cropQuad(image: RawImage, quad: Quad, width: number, height: number): RawImage {
  checkSize(width, height);
  const map = unitSquareTo(quad);
  const [topLeft, topRight, bottomRight, bottomLeft] = quad;
  const across = samples(Math.max(distance(topLeft, topRight), distance(bottomLeft, bottomRight)), width);
  const down = samples(Math.max(distance(topLeft, bottomLeft), distance(topRight, bottomRight)), height);
  const sums = new Float32Array(width * 3);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    // So that writing into bytes, which cuts off, rounds.
    sums.fill(0.5 * across * down);
    for (let j = 0; j < down; j++) addRow(image, map, (y + (j + 0.5) / down) / height, across, sums);
    for (let i = 0; i < sums.length; i++) sums[i]! /= across * down;
    data.set(sums, y * width * 3);
  }
  return { width, height, channels: 3, data };
}

/** Eight numbers of a projective map: x = (a u + b v + c) / w, y = (d u + e v + f) / w, w = g u + h v + 1. */
type Projection = readonly [number, number, number, number, number, number, number, number];

/** The projective map from the unit square to a quad (Heckbert 1989, section 2.2.3). */
export function unitSquareTo([p0, p1, p2, p3]: Quad): Projection {
  const [dx1, dy1] = [p1[0] - p2[0], p1[1] - p2[1]];
  const [dx2, dy2] = [p3[0] - p2[0], p3[1] - p2[1]];
  const [sx, sy] = [p0[0] - p1[0] + p2[0] - p3[0], p0[1] - p1[1] + p2[1] - p3[1]];
  const determinant = dx1 * dy2 - dx2 * dy1;
  // A quad without area has no perspective to undo.
  const g = determinant === 0 ? 0 : (sx * dy2 - dx2 * sy) / determinant;
  const h = determinant === 0 ? 0 : (dx1 * sy - sx * dy1) / determinant;
  return [
    p1[0] - p0[0] + g * p1[0],
    p3[0] - p0[0] + h * p3[0],
    p0[0],
    p1[1] - p0[1] + g * p1[1],
    p3[1] - p0[1] + h * p3[1],
    p0[1],
    g,
    h,
  ];
}

export function project([a, b, c, d, e, f, g, h]: Projection, [u, v]: Point): Point {
  const w = g * u + h * v + 1;
  return [(a * u + b * v + c) / w, (d * u + e * v + f) / w];
}

function samples(length: number, pixels: number): number {
  return Math.max(1, Math.min(MAX_SAMPLES, Math.round(length / pixels)));
}

/** Samples along one row of the quad: all that costs happens here, so nothing is called and nothing is made per sample. */
function addRow(image: RawImage, map: Projection, v: number, across: number, sums: Float32Array): void {
  const { width, height, data } = image;
  const [a, b, c, d, e, f, g, h] = map;
  const stride = width * 3;
  const count = (sums.length / 3) * across;
  for (let i = 0; i < count; i++) {
    const u = (i + 0.5) / count;
    const w = g * u + h * v + 1;
    const x = Math.min(Math.max((a * u + b * v + c) / w - 0.5, 0), width - 1);
    const y = Math.min(Math.max((d * u + e * v + f) / w - 0.5, 0), height - 1);
    const x0 = Math.trunc(x);
    const y0 = Math.trunc(y);
    const fx = x - x0;
    const fy = y - y0;
    const right = x0 + 1 < width ? 3 : 0;
    const below = y0 + 1 < height ? stride : 0;
    const from = y0 * stride + x0 * 3;
    const to = Math.trunc(i / across) * 3;
    for (let k = 0; k < 3; k++) {
      const at = from + k;
      const top = data[at]! * (1 - fx) + data[at + right]! * fx;
      const bottom = data[at + below]! * (1 - fx) + data[at + below + right]! * fx;
      sums[to + k]! += top * (1 - fy) + bottom * fy;
    }
  }
}
