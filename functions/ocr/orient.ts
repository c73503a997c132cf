// Which lines are upside down: geometry cannot say, a classifier of the strip can.
import type { Model } from 'glowplug';
import { normalize, type Quad, type RawImage, rotateCorners } from 'glowplug/process';
import { strip } from './strip.ts';

/** What the classifier was trained on; a longer line is squeezed into it. */
const [WIDTH, HEIGHT] = [192, 48];
/** Below and above these probabilities of standing upside down the classifier is trusted; between, both ways are read. */
const [UPRIGHT, TURNED] = [0.1, 0.9];
/** Lines of one run: memory stays bounded on a page full of noise. */
const ROWS = 32;

/** For each quad the ways to read it: as it is, turned by 180°, or both where only reading can tell. */
export async function orient(image: RawImage, quads: readonly Quad[], cls: Model<'ppocr-cls:prod'>): Promise<Quad[][]> {
  const ways: Quad[][] = [];
  for (let start = 0; start < quads.length; start += ROWS) {
    const rows = quads.slice(start, start + ROWS);
    const strips = rows.map((quad) => strip(image, quad, HEIGHT, WIDTH));
    const x = normalize(strips, { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5], order: 'bgr', width: WIDTH });
    const { 'softmax_0.tmp_0': probabilities } = await cls.run({ x });
    for (const [row, quad] of rows.entries()) ways.push(waysToRead(quad, probabilities.data[row * 2 + 1]!));
  }
  return ways;
}

function waysToRead(quad: Quad, turned: number): Quad[] {
  const upsideDown = rotateCorners(quad, 2);
  if (turned > TURNED) return [upsideDown];
  return turned < UPRIGHT ? [quad] : [quad, upsideDown];
}
