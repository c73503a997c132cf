// What lines say: strips of similar width run together, each row read on its own.
import type { Model } from 'glowplug';
import { growRect, letterbox, normalize, type Quad, type RawImage } from 'glowplug/process';
import { inkColumns, paperOf } from './ink.ts';
import { type Reading, readLine } from './read-line.ts';
import { aspect, lineHeight, strip } from './strip.ts';

const HEIGHT = 48;
/** Room around a line, as part of its height: letters as small in their strip as those the recogniser learned from. */
const MARGIN = 0.1;
/** A longer line is squeezed: 66 times as wide as high is some 130 characters. */
const MAX_WIDTH = 3200;
/** Pixels of width in one run: the answer is 6,625 floats for each 8 of them, 14 MB. */
const BATCH_WIDTH = 4096;
/** A strip is at least this part of its batch's width; the rest is filled with paper. */
const SIMILAR = 0.85;

export interface Line extends Reading {
  readonly box: Quad;
}

/** One line for each entry: of several ways to read it the one that reads best. */
export async function recognize(
  image: RawImage,
  ways: readonly (readonly Quad[])[],
  rec: Model<'ppocr-rec:prod'>,
): Promise<Line[]> {
  // Class 0 is CTC's blank; the last one, which the file does not list, is the space.
  const characters = ['', ...(await rec.text('keys.txt')).trimEnd().split('\n'), ' '];
  const read = new Map<Quad, Line>();
  for (const batch of batches(ways.flat())) {
    const rows = prepare(image, batch);
    const x = normalize(
      rows.map(({ image }) => image),
      { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5], order: 'bgr' },
    );
    const { 'softmax_11.tmp_0': output } = await rec.run({ x });
    const size = output.data.length / rows.length;
    for (const [i, { columns, box }] of rows.entries()) {
      read.set(box, { ...readLine(output.data.subarray(i * size, (i + 1) * size), characters, columns), box });
    }
  }
  return ways.map((quads) => quads.map((quad) => read.get(quad)!).reduce(moreConfident));
}

function moreConfident(a: Line, b: Line): Line {
  return b.confidence > a.confidence ? b : a;
}

/** Strips of one width with paper left and right, and where they have ink. */
function prepare(image: RawImage, batch: readonly Quad[]) {
  const strips = batch.map((box) => strip(image, growRect(box, MARGIN * lineHeight(box)), HEIGHT, MAX_WIDTH));
  const width = Math.max(...strips.map((cut) => cut.width));
  return strips.map((cut, i) => {
    const paper = paperOf(cut);
    const padded = letterbox(cut, { width, height: HEIGHT, scale: 1, fill: paper }).image;
    return { box: batch[i]!, image: padded, columns: inkColumns(padded, paper) };
  });
}

/** Widest first, so that a batch's first line says how wide it is. */
function batches(quads: readonly Quad[]): Quad[][] {
  const result: Quad[][] = [];
  for (const quad of [...quads].sort((a, b) => aspect(b) - aspect(a))) {
    const batch = result.at(-1);
    const width = Math.min(MAX_WIDTH, aspect(batch?.[0] ?? quad) * HEIGHT);
    const fits = aspect(quad) * HEIGHT >= width * SIMILAR && ((batch?.length ?? 0) + 1) * width <= BATCH_WIDTH;
    if (batch && fits) batch.push(quad);
    else result.push([quad]);
  }
  return result;
}
