// Pixels as the floats that a vision model wants: [N, 3, H, W], (value / 255 − mean) / deviation.
import { GlowplugError } from '../core/errors.ts';
import type { RawImage } from '../tensor/image.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';

export interface NormalizeOptions {
  /** Of values from 0 to 1, in the order of `order`. */
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
  /** Models that were trained on OpenCV's images want 'bgr'. Default 'rgb'. */
  readonly order?: 'rgb' | 'bgr';
  /** Width of the tensor, at least that of the widest image; default just that. Room to the right holds 0. */
  readonly width?: number;
}

/** The usual statistics of ImageNet, red first. */
export const imagenet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

/**
 * Images of one height as one batch.
 *
 * @example
 * const x = normalize([image], imagenet); // FP32 [1, 3, height, width]
 */
export function normalize(images: readonly RawImage[], options: NormalizeOptions): Tensor<'FP32'> {
  const height = images[0]?.height ?? 0;
  const widest = images.reduce((max, image) => Math.max(max, image.width), 0);
  const width = options.width ?? widest;
  if (width < widest || images.some((image) => image.height !== height)) {
    throw new GlowplugError(
      'INPUT_TENSOR',
      `expected images of one height, at most ${width} wide, got ${images.map((image) => `${image.width}×${image.height}`).join(', ')}`,
    );
  }
  const tables = [0, 1, 2].map((c) => table(options.mean[c]!, options.deviation[c]!));
  const plane = height * width;
  const data = new Float32Array(images.length * 3 * plane);
  for (const [n, image] of images.entries()) {
    for (let y = 0; y < height; y++) {
      const to = n * 3 * plane + y * width;
      for (let c = 0; c < 3; c++) {
        const from = y * image.width * 3 + (options.order === 'bgr' ? 2 - c : c);
        writeRow(data, to + c * plane, image, from, tables[c]!);
      }
    }
  }
  return tensor('FP32', [images.length, 3, height, width], data);
}

function writeRow(to: Float32Array, at: number, { data, width }: RawImage, from: number, values: Float32Array): void {
  for (let x = 0; x < width; x++) to[at + x] = values[data[from + x * 3]!]!;
}

/** What each of the 256 values becomes: a look-up is cheaper than the arithmetic. */
function table(mean: number, deviation: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean) / deviation);
}
