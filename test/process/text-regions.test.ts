import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { components, outline } from '../../src/process/components.ts';
import { distance, type Point, type Quad } from '../../src/process/geometry.ts';
import { readingQuad, rotateCorners, textRegions, unclipRect } from '../../src/process/text-regions.ts';

describe('components', () => {
  const parts = (rows: readonly string[], minPixels?: number) => {
    const mask = rows.join('');
    return components(rows[0]!.length, rows.length, (i) => mask[i] === '#', minPixels).map((part) =>
      [...part].sort((a, b) => a - b),
    );
  };

  it('joins pixels that touch at a corner, and not those a column apart', () => {
    expect(parts(['#..#', '.#.#'])).toEqual([
      [0, 5],
      [3, 7],
    ]);
  });

  it('does not run from the end of a row into the next one', () => {
    expect(parts(['..#', '#..'])).toEqual([[2], [3]]);
  });

  it('drops parts that are too small', () => {
    expect(parts(['##.#'], 2)).toEqual([[0, 1]]);
  });

  it('holds every pixel of the mask exactly once, for any mask', () => {
    let cases = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 100 }),
        (width, bits) => {
          cases++;
          const height = Math.ceil(bits.length / width);
          const found = components(width, height, (i) => bits[i] === true).flatMap((part) => [...part]);
          expect(found.sort((a, b) => a - b)).toEqual(bits.flatMap((bit, i) => (bit ? [i] : [])));
        },
      ),
    );
    console.log(`components: ${cases} cases`);
  });

  it('have an outline of the outer corners of their pixels', () => {
    expect(outline(Int32Array.of(5, 6), 4)).toEqual([
      [1, 1],
      [3, 1],
      [1, 2],
      [3, 2],
    ]);
  });
});

describe('unclipRect', () => {
  it('grows 10 × 2 by 20 · 1.5 / 24 = 1.25 on each side', () => {
    expect(unclipRect(rect(0, 0, 10, 2), 1.5)).toEqual(rect(-1.25, -1.25, 12.5, 4.5));
  });
});

describe('textRegions', () => {
  it('finds a block of 20 × 6 where it is, grown by 120 · 1.5 / 52', () => {
    const map = paint(40, 30, (x, y) => x >= 10 && x < 30 && y >= 12 && y < 18);
    const by = 180 / 52;
    const [region, ...others] = textRegions(map, 40, 30);
    expect(others).toEqual([]);
    expect(region!.score).toBeCloseTo(0.9);
    expect(region!.quad.flat()).toEqual(
      rect(10 - by, 12 - by, 20 + 2 * by, 6 + 2 * by)
        .flat()
        .map((v) => expect.closeTo(v, 5)),
    );
  });

  it('finds a slanted line with its angle', () => {
    const map = paint(100, 100, (x, y) => Math.abs(y - 50 - 0.5 * (x - 50)) < 5 && x > 15 && x < 85);
    const { quad } = textRegions(map, 100, 100)[0]!;
    const angle = Math.atan2(quad[1][1] - quad[0][1], quad[1][0] - quad[0][0]);
    expect(Math.abs(angle - Math.atan(0.5))).toBeLessThan(0.06);
  });

  it('finds nothing on an empty map, nor specks, nor what is mostly doubt', () => {
    expect(textRegions(new Float32Array(100), 10, 10)).toEqual([]);
    expect(
      textRegions(
        paint(20, 20, (x, y) => x === 3 && y < 2),
        20,
        20,
      ),
    ).toEqual([]);
    expect(textRegions(new Float32Array(400).fill(0.5), 20, 20)).toEqual([]);
  });

  it('keeps the largest when there are too many', () => {
    const map = paint(60, 10, (x, y) => y > 1 && y < 8 && (x < 10 || (x > 20 && x < 55)));
    const regions = textRegions(map, 60, 10, { limit: 1 });
    expect(regions).toHaveLength(1);
    expect(regions[0]!.quad[0][0]).toBeGreaterThan(15);
  });
});

describe('readingQuad', () => {
  const lying = rect(0, 0, 30, 10);
  const standing = rect(0, 0, 10, 30);

  it('begins at the top left of a line, whichever corner came first', () => {
    for (const by of [0, 1, 2, 3]) expect(readingQuad(rotateCorners(lying, by))).toEqual(lying);
  });

  it('reads a line that stands upright from the bottom up', () => {
    for (const by of [0, 1, 2, 3]) {
      const [first, second] = readingQuad(rotateCorners(standing, by));
      expect([first, second]).toEqual([
        [0, 30],
        [0, 0],
      ]);
    }
  });

  it('leaves a short word that is a little higher than wide as it stands', () => {
    const word = rect(0, 0, 10, 12);
    for (const by of [0, 1, 2, 3]) expect(readingQuad(rotateCorners(word, by))).toEqual(word);
  });

  it('never changes the rectangle, only its beginning', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 2 * Math.PI, noNaN: true }),
        fc.integer({ min: 1, max: 50 }),
        (angle, width) => {
          const turned = rect(0, 0, width, 10).map(
            ([x, y]): Point => [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)],
          );
          const [a, b, c, d] = turned;
          const quad = readingQuad([a!, b!, c!, d!]);
          expect(new Set(quad)).toEqual(new Set(turned));
          expect(distance(quad[0], quad[2])).toBeCloseTo(Math.hypot(width, 10));
        },
      ),
    );
  });
});

function rect(left: number, top: number, width: number, height: number): Quad {
  return [
    [left, top],
    [left + width, top],
    [left + width, top + height],
    [left, top + height],
  ];
}

function paint(width: number, height: number, isText: (x: number, y: number) => boolean): Float32Array {
  return Float32Array.from({ length: width * height }, (_, i) => (isText(i % width, Math.floor(i / width)) ? 0.9 : 0));
}
