import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readingOrder } from '../../functions/ocr/reading-order.ts';
import { cropQuad, type Quad, type RawImage } from '../../src/process/index.ts';
import { openOcr, picture } from './ocr-models.ts';

let ocr: Awaited<ReturnType<typeof openOcr>>;
beforeAll(async () => {
  ocr = await openOcr();
});
afterAll(() => ocr?.[Symbol.asyncDispose]());

describe('ocr', () => {
  it('reads the sample: upright, slanted, on its side and upside down', async () => {
    const lines = await ocr.read(await picture('../../functions/ocr/request.png'));
    const golden = JSON.parse(
      readFileSync(join(import.meta.dirname, '../../functions/ocr/answer.golden.json'), 'utf8'),
    );
    expect(lines.map(({ text }) => text)).toEqual(golden.body.lines.map((line: { text: string }) => line.text));
    expect(Math.min(...lines.map(({ confidence }) => confidence))).toBeGreaterThan(0.9);
  });

  it.each([1, 2, 3])('reads a page that was turned by %i × 90°, in the order of the upright page', async (quarters) => {
    const lines = await ocr.read(turned(await picture('ocr-pages/form.png'), quarters));
    const { form } = JSON.parse(readFileSync(join(import.meta.dirname, 'ocr-pages/lines.json'), 'utf8'));
    const letters = (text: string) => text.replaceAll(' ', '');
    expect(lines.map(({ text }) => letters(text))).toEqual(form.map(letters));
  });

  it('gives each line the corners where its reading begins: of an upside-down one the bottom right of the page', async () => {
    const lines = await ocr.read(await picture('../../functions/ocr/request.png'));
    const [start, end] = lines.find(({ text }) => text.includes('upside down'))!.box;
    expect(start[0]).toBeGreaterThan(end[0] + 200);
  });

  it.each([
    ['an empty page', plain(600, 400, 255)],
    ['a black page', plain(600, 400, 0)],
    ['one pixel', plain(1, 1, 255)],
    ['a strip one pixel high', plain(10_000, 1, 255)],
    ['a strip one pixel wide', plain(1, 10_000, 200)],
  ])('finds nothing on %s', async (_name, image) => {
    expect(await ocr.read(image)).toEqual([]);
  });

  it('answers on noise, with nothing that it is sure of', async () => {
    const image = plain(500, 500, 0);
    let state = 1;
    for (let i = 0; i < image.data.length; i++) {
      state = (state * 1103515245 + 12345) & 0x7fffffff;
      image.data[i] = state >> 16;
    }
    const lines = await ocr.read(image);
    expect(lines.filter(({ confidence }) => confidence > 0.9)).toEqual([]);
  });
});

describe('reading order', () => {
  const line = (name: string, left: number, top: number, height = 10): { name: string; box: Quad } => ({
    name,
    box: [
      [left, top],
      [left + 50, top],
      [left + 50, top + height],
      [left, top + height],
    ],
  });

  it('goes row by row, left to right, though boxes of a row are not level', () => {
    const lines = [line('d', 100, 42), line('b', 100, 1), line('c', 0, 40), line('a', 0, 4)];
    expect(readingOrder(lines).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('keeps lines apart that lie half of the lower one’s height below each other', () => {
    expect(readingOrder([line('b', 0, 5), line('a', 100, 0)]).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('of nothing is nothing', () => {
    expect(readingOrder([])).toEqual([]);
  });
});

function plain(width: number, height: number, value: number): RawImage {
  return { width, height, channels: 3, data: new Uint8Array(width * height * 3).fill(value) };
}

/** Clockwise by quarters of a turn. */
function turned(image: RawImage, quarters: number): RawImage {
  const { width, height } = image;
  const corners: Quad = [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ];
  const at = (i: number) => corners[(i + 4 - quarters) % 4]!;
  const size = quarters % 2 === 1 ? ([height, width] as const) : ([width, height] as const);
  return cropQuad(image, [at(0), at(1), at(2), at(3)], ...size);
}
