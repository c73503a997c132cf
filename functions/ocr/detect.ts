// Where text is: the page through the detector, its map as rectangles in the page's own pixels.
import type { Model } from 'glowplug';
import { imagenet, letterbox, normalize, type Quad, type RawImage, textRegions, unletterbox } from 'glowplug/process';

/** The detector was trained around 960 × 960; more pixels find no more in print of a usual size and cost in proportion. */
const MAX_AREA = 960 * 960;
/** No side beyond this, so that a strip of one pixel's height does not grow to a picture when its sides are rounded up. */
const MAX_SIDE = 4096;
/** The detector halves its input five times. */
const STRIDE = 32;
/** Room around the page: text that touches the edge is found too. */
const MARGIN = 16;

export async function detect(image: RawImage, det: Model<'ppocr-det:prod'>): Promise<Quad[]> {
  const { width, height } = image;
  const scale = Math.min(1, Math.sqrt(MAX_AREA / (width * height)), MAX_SIDE / Math.max(width, height));
  const fitted = letterbox(image, {
    width: roomFor(width * scale),
    height: roomFor(height * scale),
    scale,
    fill: borderColour(image),
  });
  const x = normalize([fitted.image], { ...imagenet, order: 'bgr' });
  const { 'sigmoid_0.tmp_0': map } = await det.run({ x });
  return textRegions(map.data, fitted.image.width, fitted.image.height).map(({ quad }) => {
    const corner = (i: number) => unletterbox(quad[i]!, fitted);
    return [corner(0), corner(1), corner(2), corner(3)];
  });
}

function roomFor(side: number): number {
  return Math.ceil((side + 2 * MARGIN) / STRIDE) * STRIDE;
}

/** Mean colour of the page's rim: a margin of another colour would look like a frame. */
function borderColour({ width, height, data }: RawImage): [number, number, number] {
  const sum = [0, 0, 0];
  let count = 0;
  const add = (x: number, y: number) => {
    for (let c = 0; c < 3; c++) sum[c]! += data[(y * width + x) * 3 + c]!;
    count++;
  };
  for (let x = 0; x < width; x++) for (const y of [0, height - 1]) add(x, y);
  for (let y = 0; y < height; y++) for (const x of [0, width - 1]) add(x, y);
  return [sum[0]! / count, sum[1]! / count, sum[2]! / count];
}
