import { describe, expect, it } from 'vitest';
import { normalize } from '../../src/process/normalize.ts';
import type { RawImage } from '../../src/tensor/image.ts';
import { grey } from './pixels.ts';

const half = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.25, 0.5] } as const;
const pixel: RawImage = { width: 1, height: 1, channels: 3, data: Uint8Array.of(255, 0, 51) };

describe('normalize', () => {
  it('gives (255, 0, 51) with mean ½ and deviations ½, ¼, ½ as 1, −2, −0.6', () => {
    const x = normalize([pixel], half);
    expect(x.shape).toEqual([1, 3, 1, 1]);
    expect([...x.data]).toEqual([1, -2, -0.6].map((value) => expect.closeTo(value, 6)));
  });

  it('puts blue first when asked, statistics in that order too', () => {
    expect([...normalize([pixel], { ...half, order: 'bgr' }).data]).toEqual(
      [-0.6, -2, 1].map((value) => expect.closeTo(value, 6)),
    );
  });

  it('writes plane after plane, row after row, and 0 to the right of a narrow image', () => {
    const x = normalize([grey(2, 2, [255, 0, 0, 255]), grey(1, 2, [255, 255])], {
      mean: [0.5, 0.5, 0.5],
      deviation: [0.5, 0.5, 0.5],
    });
    expect(x.shape).toEqual([2, 3, 2, 2]);
    expect([...x.data.slice(0, 4)]).toEqual([1, -1, -1, 1]);
    expect([...x.data.slice(12, 16)]).toEqual([1, 0, 1, 0]);
  });

  it('refuses images of different heights, and a width that is too small', () => {
    expect(() => normalize([grey(1, 1, [0]), grey(1, 2, [0, 0])], half)).toThrow('of one height');
    expect(() => normalize([grey(2, 1, [0, 0])], { ...half, width: 1 })).toThrow('at most 1 wide, got 2×1');
  });
});
