// Small images for the tests of src/process, written as one grey value a pixel.
import type { RawImage } from '../../src/tensor/image.ts';

export function grey(width: number, height: number, values: readonly number[]): RawImage {
  return { width, height, channels: 3, data: Uint8Array.from(values.flatMap((value) => [value, value, value])) };
}

export function redOf({ data }: RawImage): number[] {
  return [...data].filter((_, i) => i % 3 === 0);
}
