// Non-maximum suppression: of shapes that cover the same thing the best one stays.
import { GlowplugError } from '../core/errors.ts';
import { type Box, boundingBox, convexIntersection, type Point, polygonArea } from './geometry.ts';

export interface NmsOptions {
  /** Two shapes whose intersection over union is above this are the same thing. Default 0.5. */
  readonly iou?: number;
  /** Scores below are dropped first. Default: none. */
  readonly minScore?: number;
  /** At most so many stay. Default: all. */
  readonly limit?: number;
}

/** Indices of the upright boxes that stay, best first. */
export function nmsBoxes(boxes: readonly Box[], scores: ArrayLike<number>, options: NmsOptions = {}): number[] {
  return suppress(boxes.length, scores, options, (a, b) => boxIou(boxes[a]!, boxes[b]!));
}

/** Indices of the convex polygons (turned boxes) that stay, best first. */
export function nmsPolygons(
  polygons: readonly (readonly Point[])[],
  scores: ArrayLike<number>,
  options: NmsOptions = {},
): number[] {
  const around = polygons.map(boundingBox);
  return suppress(polygons.length, scores, options, (a, b) =>
    boxIou(around[a]!, around[b]!) === 0 ? 0 : polygonIou(polygons[a]!, polygons[b]!),
  );
}

export function boxIou(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (boxArea(a) + boxArea(b) - shared);
}

export function polygonIou(a: readonly Point[], b: readonly Point[]): number {
  const shared = polygonArea(convexIntersection(a, b));
  return shared === 0 ? 0 : shared / (polygonArea(a) + polygonArea(b) - shared);
}

function boxArea(box: Box): number {
  return (box.right - box.left) * (box.bottom - box.top);
}

function suppress(
  count: number,
  scores: ArrayLike<number>,
  { iou = 0.5, minScore = -Infinity, limit = Infinity }: NmsOptions,
  overlap: (a: number, b: number) => number,
): number[] {
  if (scores.length !== count) {
    throw new GlowplugError('INPUT_TENSOR', `expected a score for each of ${count} shapes, got ${scores.length}`);
  }
  const order = Array.from({ length: count }, (_, index) => index)
    .filter((index) => scores[index]! >= minScore)
    .sort((a, b) => scores[b]! - scores[a]! || a - b);
  const kept: number[] = [];
  for (const index of order) {
    if (kept.length >= limit) break;
    if (kept.every((better) => overlap(better, index) <= iou)) kept.push(index);
  }
  return kept;
}
