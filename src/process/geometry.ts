// Points, boxes and convex polygons. x to the right, y down; pixel (i, j) covers [i, i + 1] × [j, j + 1].

export type Point = readonly [x: number, y: number];
/** Four corners: top left, top right, bottom right, bottom left as its content is read. */
export type Quad = readonly [Point, Point, Point, Point];

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The smallest upright box around the points. */
export function boundingBox(points: readonly Point[]): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  return { left, top, right, bottom };
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(b[0] - a[0], b[1] - a[1]);
}

/** Area by the shoelace formula; positive whichever way the corners go round. */
export function polygonArea(polygon: readonly Point[]): number {
  return Math.abs(signedArea(polygon));
}

/** Corners of the convex hull, clockwise as seen on a screen (Andrew's monotone chain); collinear points are dropped. */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  const lower = chain(sorted);
  const upper = chain(sorted.reverse());
  return [...lower.slice(0, -1), ...upper.slice(0, -1)];
}

/**
 * The rectangle of least area around the points: one of its sides lies on an edge of the hull (Freeman & Shapira 1975).
 * Corners clockwise on a screen; which of them comes first is left open (see `readingQuad`).
 */
export function minAreaRect(points: readonly Point[]): Quad {
  const hull = convexHull(points);
  if (hull.length < 3) return lineRect(hull);
  let best: Quad | undefined;
  let bestArea = Infinity;
  for (let i = 0; i < hull.length; i++) {
    const rect = rectAlong(hull, hull[i]!, hull[(i + 1) % hull.length]!);
    const area = polygonArea(rect);
    if (area < bestArea) [best, bestArea] = [rect, area];
  }
  return best ?? lineRect(hull);
}

/** The part that two convex polygons share (Sutherland–Hodgman); empty when they do not meet. */
export function convexIntersection(a: readonly Point[], b: readonly Point[]): Point[] {
  const clip = signedArea(b) < 0 ? [...b].reverse() : b;
  let output = [...a];
  for (let i = 0; i < clip.length && output.length > 0; i++) {
    output = clipByEdge(output, clip[i]!, clip[(i + 1) % clip.length]!);
  }
  return output;
}

function signedArea(polygon: readonly Point[]): number {
  let twice = 0;
  for (let i = 0; i < polygon.length; i++) {
    const [ax, ay] = polygon[i]!;
    const [bx, by] = polygon[(i + 1) % polygon.length]!;
    twice += ax * by - bx * ay;
  }
  return twice / 2;
}

/** > 0 when c lies clockwise (on a screen) of the line from a to b. */
function turn(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

function chain(sorted: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (const point of sorted) {
    while (kept.length >= 2 && turn(kept.at(-2)!, kept.at(-1)!, point) <= 0) kept.pop();
    kept.push(point);
  }
  return kept;
}

function rectAlong(hull: readonly Point[], from: Point, to: Point): Quad {
  const length = distance(from, to);
  const [ux, uy] = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
  let [minU, maxU, minV, maxV] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const [x, y] of hull) {
    const u = x * ux + y * uy;
    const v = y * ux - x * uy;
    minU = Math.min(minU, u);
    maxU = Math.max(maxU, u);
    minV = Math.min(minV, v);
    maxV = Math.max(maxV, v);
  }
  const corner = (u: number, v: number): Point => [u * ux - v * uy, u * uy + v * ux];
  return [corner(minU, minV), corner(maxU, minV), corner(maxU, maxV), corner(minU, maxV)];
}

function lineRect(points: readonly Point[]): Quad {
  const a = points[0] ?? [0, 0];
  const b = points.at(-1) ?? a;
  return [a, b, b, a];
}

function clipByEdge(polygon: readonly Point[], from: Point, to: Point): Point[] {
  const kept: Point[] = [];
  for (let i = 0; i < polygon.length; i++) {
    const here = polygon[i]!;
    const next = polygon[(i + 1) % polygon.length]!;
    const inside = turn(from, to, here);
    const nextInside = turn(from, to, next);
    if (inside >= 0) kept.push(here);
    if (inside >= 0 === nextInside >= 0) continue;
    const t = inside / (inside - nextInside);
    kept.push([here[0] + t * (next[0] - here[0]), here[1] + t * (next[1] - here[1])]);
  }
  return kept;
}
