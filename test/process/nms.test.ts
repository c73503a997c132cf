import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Box, Point } from '../../src/process/geometry.ts';
import { boxIou, nmsBoxes, nmsPolygons, polygonIou } from '../../src/process/nms.ts';

const box = (left: number, top: number, size: number): Box => ({ left, top, right: left + size, bottom: top + size });
const corners = ({ left, top, right, bottom }: Box): Point[] => [
  [left, top],
  [right, top],
  [right, bottom],
  [left, bottom],
];
const unit = box(0, 0, 1);

describe('intersection over union', () => {
  it('of unit squares half a side apart is ½ / 1½', () => {
    expect(boxIou(unit, box(0.5, 0, 1))).toBeCloseTo(1 / 3);
    expect(polygonIou(corners(unit), corners(box(0.5, 0, 1)))).toBeCloseTo(1 / 3);
  });

  it('is 0 for boxes that only touch, and for empty ones', () => {
    expect(boxIou(unit, box(1, 0, 1))).toBe(0);
    expect(boxIou(unit, box(0, 0, 0))).toBe(0);
    expect(polygonIou(corners(unit), corners(box(3, 0, 1)))).toBe(0);
  });

  it('of a square and itself turned by 45° is 1/√2', () => {
    const r = Math.SQRT1_2;
    const turned: Point[] = [
      [0.5 + r, 0.5],
      [0.5, 0.5 + r],
      [0.5 - r, 0.5],
      [0.5, 0.5 - r],
    ];
    expect(polygonIou(corners(unit), turned)).toBeCloseTo(Math.SQRT1_2);
  });
});

describe('non-maximum suppression', () => {
  const boxes = [box(0, 0, 10), box(1, 0, 10), box(20, 0, 10), box(21, 0, 10)];

  it('keeps the best of those that overlap, best first', () => {
    expect(nmsBoxes(boxes, [0.5, 0.9, 0.8, 0.1])).toEqual([1, 2]);
    expect(nmsPolygons(boxes.map(corners), [0.5, 0.9, 0.8, 0.1])).toEqual([1, 2]);
  });

  it('keeps all when the limit of overlap is 1, and drops what scores too little', () => {
    expect(nmsBoxes(boxes, [0.5, 0.9, 0.8, 0.1], { iou: 1, minScore: 0.2 })).toEqual([1, 2, 0]);
  });

  it('stops at the limit', () => {
    expect(nmsBoxes(boxes, [0.5, 0.9, 0.8, 0.1], { limit: 1 })).toEqual([1]);
  });

  it('refuses scores that are not one for each shape', () => {
    expect(() => nmsBoxes(boxes, [1])).toThrow('expected a score for each of 4 shapes, got 1');
  });

  it('is idempotent: what it kept it keeps, for any boxes', () => {
    let cases = 0;
    const anyBox = fc.tuple(
      fc.nat(40),
      fc.nat(40),
      fc.integer({ min: 1, max: 20 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(anyBox, { maxLength: 30 }), (drawn) => {
        cases++;
        const all = drawn.map(([left, top, size]) => box(left, top, size));
        const kept = nmsBoxes(
          all,
          drawn.map(([, , , score]) => score),
        );
        const again = nmsBoxes(
          kept.map((i) => all[i]!),
          kept.map((i) => drawn[i]![3]),
        );
        expect(again).toEqual(kept.map((_, i) => i));
        expect(
          nmsPolygons(
            all.map(corners),
            drawn.map(([, , , score]) => score),
          ),
        ).toEqual(kept);
      }),
    );
    console.log(`nms: ${cases} cases`);
  });
});
