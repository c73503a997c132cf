import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boundingBox,
  convexHull,
  convexIntersection,
  distance,
  minAreaRect,
  type Point,
  polygonArea,
} from '../../src/process/geometry.ts';

const square: Point[] = [
  [0, 0],
  [2, 0],
  [2, 2],
  [0, 2],
];
const point = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }));

describe('polygonArea', () => {
  it('is 4 for a square of side 2, whichever way round', () => {
    expect(polygonArea(square)).toBe(4);
    expect(polygonArea([...square].reverse())).toBe(4);
  });
});

describe('convexHull', () => {
  it('drops points inside and on the edges', () => {
    expect(convexHull([...square, [1, 1], [1, 0]])).toHaveLength(4);
  });

  it('is the points themselves when there are fewer than three', () => {
    expect(convexHull([[1, 2]])).toEqual([[1, 2]]);
  });
});

describe('minAreaRect', () => {
  it('of a diamond is the diamond, not the square around it', () => {
    const rect = minAreaRect([
      [1, 0],
      [2, 1],
      [1, 2],
      [0, 1],
    ]);
    expect(polygonArea(rect)).toBeCloseTo(2);
  });

  it('of points on a line has no area, and of one point no length', () => {
    const rect = minAreaRect([
      [0, 0],
      [3, 3],
      [1, 1],
    ]);
    expect(polygonArea(rect)).toBeCloseTo(0);
    expect(distance(rect[0], rect[1])).toBeCloseTo(Math.sqrt(18));
    expect(polygonArea(minAreaRect([[4, 4]]))).toBe(0);
  });

  it('holds every point and is never larger than the upright box, for any points', () => {
    let cases = 0;
    fc.assert(
      fc.property(fc.array(point, { minLength: 3, maxLength: 30 }), (points) => {
        cases++;
        const rect = minAreaRect(points);
        const box = boundingBox(points);
        expect(polygonArea(rect)).toBeLessThanOrEqual((box.right - box.left) * (box.bottom - box.top) + 1e-6);
        for (const p of points) expect(polygonArea(convexHull([...rect, p]))).toBeCloseTo(polygonArea(rect), 4);
      }),
    );
    console.log(`minAreaRect: ${cases} cases`);
  });
});

describe('convexIntersection', () => {
  it('of a square and the same square turned by 45° is the octagon of area 8(√2 − 1)', () => {
    const turned: Point[] = [0, 90, 180, 270].map((degrees) => {
      const angle = (degrees * Math.PI) / 180;
      return [1 + Math.SQRT2 * Math.cos(angle), 1 + Math.SQRT2 * Math.sin(angle)];
    });
    expect(polygonArea(convexIntersection(square, turned))).toBeCloseTo(8 * (Math.SQRT2 - 1));
  });

  it('of squares apart is empty', () => {
    expect(
      convexIntersection(
        square,
        square.map(([x, y]): Point => [x + 5, y]),
      ),
    ).toEqual([]);
  });
});
