// Reads the text in a picture: an image in, lines with their text, place and confidence out.
import { image, inference } from 'glowplug';
import { detect } from './detect.ts';
import { orient } from './orient.ts';
import { readingOrder } from './reading-order.ts';
import { recognize } from './recognize.ts';

/** Below this a "line" is more often a drawing than text. PaddleOCR's value. */
const MIN_CONFIDENCE = 0.5;

export const handler = inference({
  models: { det: 'ppocr-det:prod', cls: 'ppocr-cls:prod', rec: 'ppocr-rec:prod' },
  input: image({ maxPixels: 25_000_000 }),
  async predict({ image }, { det, cls, rec }) {
    const found = await detect(image, det);
    const ways = await orient(image, found, cls);
    const lines = await recognize(image, ways, rec);
    return readingOrder(lines.filter(({ text, confidence }) => text !== '' && confidence >= MIN_CONFIDENCE));
  },
  encode: (lines) => Response.json({ lines: lines.map(rounded) }),
});

/** Tenths of a pixel and thousandths are all that the models can tell. */
function rounded({ text, confidence, box }: Awaited<ReturnType<typeof recognize>>[number]) {
  const round = (value: number, places: number) => Math.round(value * 10 ** places) / 10 ** places;
  return {
    text,
    confidence: round(confidence, 3),
    box: box.map(([x, y]) => [round(x, 1), round(y, 1)]),
  };
}
