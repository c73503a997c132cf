// Where a strip of text has ink and where only paper: what the pixels know of the room between letters.
import type { RawImage } from 'glowplug/process';

export type Colour = readonly [red: number, green: number, blue: number];

/** Part of the strongest contrast from which on a pixel is ink; below lies blur. */
const FAINT = 0.3;
/** Rows at the top and bottom that are left out: the lines above and below reach into a strip. */
const RIM = 1 / 8;

/** For each column: 1 where a stroke crosses it. */
export function inkColumns(strip: RawImage, paper: Colour): Uint8Array {
  const { width, height, data } = strip;
  const contrast = new Uint16Array(width * height);
  const histogram = new Uint32Array(3 * 255 + 1);
  for (let i = 0, at = 0; i < contrast.length; i++, at += 3) {
    const value =
      Math.abs(data[at]! - paper[0]) + Math.abs(data[at + 1]! - paper[1]) + Math.abs(data[at + 2]! - paper[2]);
    contrast[i] = value;
    histogram[value]!++;
  }
  const least = strongest(histogram, contrast.length) * FAINT;
  const columns = new Uint8Array(width);
  const rim = Math.floor(height * RIM);
  for (let y = rim; y < height - rim; y++) {
    for (let x = 0; x < width; x++) if (contrast[y * width + x]! > least) columns[x] = 1;
  }
  return columns;
}

/** Widest run of columns without ink in [from, to). */
export function widestGap(columns: Uint8Array, from: number, to: number): number {
  let [widest, run] = [0, 0];
  for (let x = Math.max(0, from); x < Math.min(columns.length, to); x++) {
    run = columns[x] ? 0 : run + 1;
    widest = Math.max(widest, run);
  }
  return widest;
}

/** The contrast that one pixel in a hundred exceeds: the very darkest may be a speck or a frame. */
function strongest(histogram: Uint32Array, count: number): number {
  let above = 0;
  for (let value = histogram.length - 1; value > 0; value--) {
    above += histogram[value]!;
    if (above > count / 100) return value;
  }
  return 0;
}

/** Median of the upper and lower edge, where a strip shows more paper than ink. */
export function paperOf({ width, height, data }: RawImage): Colour {
  const last = (height - 1) * width * 3;
  const median = (c: number) => {
    const edge = new Uint8Array(width * 2);
    for (let x = 0; x < width; x++) {
      edge[x] = data[x * 3 + c]!;
      edge[width + x] = data[last + x * 3 + c]!;
    }
    return edge.sort()[width]!;
  };
  return [median(0), median(1), median(2)];
}
