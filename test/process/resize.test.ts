import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { letterbox, unletterbox } from '../../src/process/letterbox.ts';
import { resize } from '../../src/process/resize.ts';
import { grey, redOf } from './pixels.ts';

const size = fc.integer({ min: 1, max: 60 });

describe('resize', () => {
  it('grows 0, 100 to 0, 25, 75, 100: pixels are squares, not points', () => {
    expect(redOf(resize(grey(2, 1, [0, 100]), 4, 1))).toEqual([0, 25, 75, 100]);
  });

  it('shrinks 0, 100, 200, 100 with a triangle of four pixels: (¾·100 + ¼·200) / 1¾ and (¼·100 + ¾·200 + ¾·100) / 1¾', () => {
    expect(redOf(resize(grey(4, 1, [0, 100, 200, 100]), 2, 1))).toEqual([71, 143]);
  });

  it('works the same way down as across', () => {
    expect(redOf(resize(grey(1, 2, [0, 100]), 1, 4))).toEqual([0, 25, 75, 100]);
  });

  it('leaves a plain image plain, at any size', () => {
    fc.assert(
      fc.property(size, size, size, size, fc.integer({ min: 0, max: 255 }), (w, h, toW, toH, value) => {
        const image = resize(grey(w, h, Array(w * h).fill(value)), toW, toH);
        expect(new Set(redOf(image))).toEqual(new Set([value]));
        expect(image.data).toHaveLength(toW * toH * 3);
      }),
    );
  });

  it('refuses a size that no image has', () => {
    expect(() => resize(grey(1, 1, [0]), 0, 5)).toThrow('expected a size of whole pixels of at least 1×1, got 0×5');
    expect(() => resize(grey(1, 1, [0]), Number.NaN, 5)).toThrow('got NaN×5');
  });
});

describe('letterbox', () => {
  it('puts a wide image between two bars', () => {
    const { image, scale, offset } = letterbox(grey(4, 2, Array(8).fill(9)), { width: 4, height: 4, fill: [1, 2, 3] });
    expect(redOf(image)).toEqual([1, 1, 1, 1, 9, 9, 9, 9, 9, 9, 9, 9, 1, 1, 1, 1]);
    expect([...image.data.slice(0, 3)]).toEqual([1, 2, 3]);
    expect({ scale, offset }).toEqual({ scale: [1, 1], offset: [0, 1] });
  });

  it('puts it at the top left when asked', () => {
    expect(letterbox(grey(2, 1, [5, 5]), { width: 2, height: 2, align: 'top-left' }).offset).toEqual([0, 0]);
  });

  it('has an inverse that maps the image’s corners back, for any sizes', () => {
    let cases = 0;
    fc.assert(
      fc.property(size, size, size, size, (w, h, width, height) => {
        cases++;
        const fitted = letterbox(grey(w, h, Array(w * h).fill(255)), { width, height });
        const inside = redOf(fitted.image).flatMap((value, i) => (value === 255 ? [i] : []));
        const first = inside[0]!;
        const last = inside.at(-1)!;
        const topLeft = unletterbox([first % width, Math.floor(first / width)], fitted);
        const bottomRight = unletterbox([(last % width) + 1, Math.floor(last / width) + 1], fitted);
        expect([...topLeft, ...bottomRight]).toEqual([0, 0, w, h].map((value) => expect.closeTo(value, 6)));
      }),
    );
    console.log(`letterbox: ${cases} cases`);
  });
});
