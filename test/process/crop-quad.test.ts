import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cropQuad, project, unitSquareTo } from '../../src/process/crop-quad.ts';
import type { Quad } from '../../src/process/geometry.ts';
import { grey, redOf } from './pixels.ts';

const image = grey(3, 2, [1, 2, 3, 4, 5, 6]);
const whole: Quad = [
  [0, 0],
  [3, 0],
  [3, 2],
  [0, 2],
];

describe('cropQuad', () => {
  it('of the whole image is the image', () => {
    expect(redOf(cropQuad(image, whole, 3, 2))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('that begins at the bottom left turns it clockwise by 90°', () => {
    const quad: Quad = [whole[3], whole[0], whole[1], whole[2]];
    expect(redOf(cropQuad(image, quad, 2, 3))).toEqual([4, 1, 5, 2, 6, 3]);
  });

  it('that begins at the bottom right turns it upside down', () => {
    const quad: Quad = [whole[2], whole[3], whole[0], whole[1]];
    expect(redOf(cropQuad(image, quad, 3, 2))).toEqual([6, 5, 4, 3, 2, 1]);
  });

  it('averages what becomes one pixel: (1 + 2 + 4 + 5) / 4 = 3', () => {
    const quad: Quad = [
      [0, 0],
      [2, 0],
      [2, 2],
      [0, 2],
    ];
    expect(redOf(cropQuad(image, quad, 1, 1))).toEqual([3]);
  });

  it('goes on with the edge outside the image, and takes a quad without area', () => {
    const outside: Quad = [
      [-9, -9],
      [-5, -9],
      [-5, -5],
      [-9, -5],
    ];
    expect(redOf(cropQuad(image, outside, 2, 1))).toEqual([1, 1]);
    expect(cropQuad(image, [whole[0], whole[0], whole[0], whole[0]], 2, 2).data).toHaveLength(12);
  });
});

describe('unitSquareTo', () => {
  it('sends the middle of a trapezium to where its diagonals meet', () => {
    const map = unitSquareTo([
      [1, 0],
      [3, 0],
      [4, 2],
      [0, 2],
    ]);
    // y = x − … : the diagonals (1,0)–(4,2) and (3,0)–(0,2) cross at x = 2, y = 2/3.
    expect(project(map, [0.5, 0.5])).toEqual([expect.closeTo(2), expect.closeTo(2 / 3)]);
  });

  it('sends the corners to the corners, for any convex quad', () => {
    const wobble = fc.tuple(fc.double({ min: -3, max: 3, noNaN: true }), fc.double({ min: -3, max: 3, noNaN: true }));
    fc.assert(
      fc.property(wobble, wobble, wobble, wobble, (a, b, c, d) => {
        const quad: Quad = [
          [a[0], a[1]],
          [20 + b[0], b[1]],
          [20 + c[0], 20 + c[1]],
          [d[0], 20 + d[1]],
        ];
        const map = unitSquareTo(quad);
        const sent = [project(map, [0, 0]), project(map, [1, 0]), project(map, [1, 1]), project(map, [0, 1])];
        for (const [i, [x, y]] of sent.entries()) {
          expect(x).toBeCloseTo(quad[i]![0], 6);
          expect(y).toBeCloseTo(quad[i]![1], 6);
        }
      }),
    );
  });
});
