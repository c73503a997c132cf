// From a text detector's probability map to turned rectangles: the post-processing of DB (Liao et al. 2020,
// "Real-time scene text detection with differentiable binarization", section 3.5).
import { components, outline } from './components.ts';
import { distance, minAreaRect, type Point, polygonArea, type Quad } from './geometry.ts';

export interface TextRegionOptions {
  /** A pixel above this belongs to text. Default 0.3, as PaddleOCR's. */
  readonly threshold?: number;
  /** Mean probability inside a rectangle, at least. Default 0.6, as PaddleOCR's. */
  readonly minScore?: number;
  /** The map shows text shrunken; it grows back by area · unclip / perimeter. Default 1.5, as PaddleOCR's. */
  readonly unclip?: number;
  /** Shorter side before it grows, in pixels of the map. Default 3. */
  readonly minSide?: number;
  /** At most so many, the largest: noise must not become work without end. Default 1000. */
  readonly limit?: number;
}

export interface TextRegion {
  /** Corners in the map's pixels, as it is read: see `readingQuad`. */
  readonly quad: Quad;
  /** Mean probability inside, before it grows. */
  readonly score: number;
}

/**
 * @param map probabilities row by row, `width` · `height` of them
 */
export function textRegions(
  map: Float32Array,
  width: number,
  height: number,
  options: TextRegionOptions = {},
): TextRegion[] {
  const { threshold = 0.3, minScore = 0.6, unclip = 1.5, minSide = 3, limit = 1000 } = options;
  const parts = components(width, height, (i) => map[i]! > threshold, minSide * minSide)
    .sort((a, b) => b.length - a.length)
    .slice(0, limit);
  const regions: TextRegion[] = [];
  for (const part of parts) {
    const rect = minAreaRect(outline(part, width));
    if (shorterSide(rect) < minSide) continue;
    const score = meanInside(map, width, height, rect);
    if (score < minScore) continue;
    regions.push({ quad: readingQuad(unclipRect(rect, unclip)), score });
  }
  return regions;
}

/** The rectangle grown on all sides by area · ratio / perimeter (Vatti's offset, which for a rectangle is just this). */
export function unclipRect(rect: Quad, ratio: number): Quad {
  const [a, b, , d] = rect;
  const perimeter = 2 * (distance(a, b) + distance(a, d));
  if (perimeter === 0) return rect;
  return growRect(rect, (polygonArea(rect) * ratio) / perimeter);
}

/** The rectangle with each side moved outwards by `by`. */
export function growRect(rect: Quad, by: number): Quad {
  const [a, b, c, d] = rect;
  const [ux, uy] = direction(a, b);
  const [vx, vy] = direction(a, d);
  const move = ([x, y]: Point, u: number, v: number): Point => [x + by * (u * ux + v * vx), y + by * (u * uy + v * vy)];
  return [move(a, -1, -1), move(b, 1, -1), move(c, 1, 1), move(d, -1, 1)];
}

/** A side so much longer than the other is the line's direction; below, a short word stands as upright as the page allows. */
const LINE_RATIO = 1.5;

/**
 * The same rectangle, clockwise, beginning at the corner where reading begins: along the longer side, to the right, and
 * upwards where the line is closer to vertical. Whether it is upside down is not geometry: a classifier says.
 */
export function readingQuad(rect: Quad): Quad {
  const [first, second] = [distance(rect[0], rect[1]), distance(rect[1], rect[2])];
  const long = Math.max(first, second) >= LINE_RATIO * Math.min(first, second);
  const turns = [0, 1, 2, 3].map((start) => rotateCorners(rect, start));
  const candidates = long ? turns.filter((quad) => distance(quad[0], quad[1]) >= distance(quad[1], quad[2])) : turns;
  const rank = long ? rightOrUp : (quad: Quad) => direction(quad[0], quad[1])[0];
  return candidates.reduce((best, quad) => (rank(quad) > rank(best) ? quad : best));
}

/** Clockwise from another corner; 2 turns it upside down. */
export function rotateCorners(quad: Quad, by: number): Quad {
  const at = (i: number) => quad[(i + by) % 4]!;
  return [at(0), at(1), at(2), at(3)];
}

/** A line and its reverse differ in sign alone. Across decides, but for a steep one up: there across is near 0 and noise. */
function rightOrUp(quad: Quad): number {
  const [x, y] = direction(quad[0], quad[1]);
  return Math.abs(x) >= Math.abs(y) ? x : -y;
}

function direction(from: Point, to: Point): Point {
  const length = distance(from, to) || 1;
  return [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
}

function shorterSide(rect: Quad): number {
  return Math.min(distance(rect[0], rect[1]), distance(rect[1], rect[2]));
}

/** Mean of the map over the pixels whose centre lies inside, row by row: the work is the rectangle's area, not its bounding box's. */
function meanInside(map: Float32Array, width: number, height: number, rect: Quad): number {
  const ys = rect.map((point) => point[1]);
  const top = Math.max(0, Math.floor(Math.min(...ys)));
  const bottom = Math.min(height - 1, Math.ceil(Math.max(...ys)));
  let [sum, count] = [0, 0];
  for (let y = top; y <= bottom; y++) {
    const [from, to] = spanAt(rect, y + 0.5);
    const last = Math.min(width - 1, Math.ceil(to - 0.5) - 1);
    for (let x = Math.max(0, Math.ceil(from - 0.5)); x <= last; x++) {
      sum += map[y * width + x]!;
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** Where the horizontal line at y enters and leaves a convex polygon. */
function spanAt(polygon: readonly Point[], y: number): Point {
  let [from, to] = [Infinity, -Infinity];
  for (let i = 0; i < polygon.length; i++) {
    const [ax, ay] = polygon[i]!;
    const [bx, by] = polygon[(i + 1) % polygon.length]!;
    if (ay <= y === by <= y) continue;
    const x = ax + ((y - ay) / (by - ay)) * (bx - ax);
    from = Math.min(from, x);
    to = Math.max(to, x);
  }
  return [from, to];
}
