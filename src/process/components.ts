// Connected parts of a mask, 8-connected, in one pass over the pixels.
import type { Point } from './geometry.ts';

/** Indices (y · width + x) of one part's pixels; a view, valid as long as the array it came from. */
export type Component = Int32Array;

/**
 * Parts of the pixels where `isSet` holds, at least `minPixels` large, in the order of their first pixel.
 *
 * @example
 * components(4, 1, (i) => mask[i] === 1); // mask 1101 → [[0, 1], [3]]
 */
export function components(
  width: number,
  height: number,
  isSet: (index: number) => boolean,
  minPixels = 1,
): Component[] {
  const seen = new Uint8Array(width * height);
  // The queue of a breadth-first walk ends up holding exactly the part's pixels: no second store.
  const queue = new Int32Array(width * height);
  const found: Component[] = [];
  let end = 0;
  for (let seed = 0; seed < seen.length; seed++) {
    if (seen[seed] || !isSet(seed)) continue;
    const start = end;
    seen[seed] = 1;
    queue[end++] = seed;
    for (let at = start; at < end; at++) {
      const x = queue[at]! % width;
      const y = (queue[at]! - x) / width;
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (seen[next] || !isSet(next)) continue;
          seen[next] = 1;
          queue[end++] = next;
        }
      }
    }
    if (end - start >= minPixels) found.push(queue.subarray(start, end));
  }
  return found;
}

/** Corners of the leftmost and rightmost pixel of each row: all that a convex hull of the part can need. */
export function outline(component: Component, width: number): Point[] {
  const rows = new Map<number, [left: number, right: number]>();
  for (const index of component) {
    const x = index % width;
    const y = (index - x) / width;
    const row = rows.get(y);
    if (!row) rows.set(y, [x, x + 1]);
    else if (x < row[0]) row[0] = x;
    else if (x >= row[1]) row[1] = x + 1;
  }
  return [...rows].flatMap(([y, [left, right]]): Point[] => [
    [left, y],
    [right, y],
    [left, y + 1],
    [right, y + 1],
  ]);
}
