// How often values come, in 2,048 bins over their range, and how much of the range is worth its steps.
import type { Range } from './quantize-static.ts';

export interface Histogram {
  readonly range: Range;
  readonly counts: Float64Array;
}

const BINS = 2048;
/** Steps of UINT8. */
const LEVELS = 256;
/** Part of the values that the percentile method keeps: that of onnxruntime's own quantiser. */
const KEPT = 0.99999;

/** Times the mean of the bins that are not empty. */
const SPIKE = 4;

export function histogramOver(range: Range): Histogram {
  return { range, counts: new Float64Array(BINS) };
}

export function addTo({ range: [min, max], counts }: Histogram, values: Float32Array): void {
  const factor = max > min ? BINS / (max - min) : 0;
  for (let at = 0; at < values.length; at++) {
    const bin = Math.floor((values[at]! - min) * factor);
    counts[Math.max(0, Math.min(BINS - 1, bin))]!++;
  }
}

/** The range without the rarest values at either end. */
export function percentileRange({ range, counts }: Histogram): Range {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const cut = ((1 - KEPT) / 2) * total;
  let [low, high] = [0, BINS - 1];
  for (let below = counts[low]!; low < high && below <= cut; below += counts[low]!) low++;
  for (let above = counts[high]!; low < high && above <= cut; above += counts[high]!) high--;
  return edges(range, low, high + 1);
}

/**
 * The part of the range, its ends moved towards 0 in proportion, whose 256 steps lose least of the distribution
 * (Kullback–Leibler): S. Migacz, 8-bit inference with TensorRT, 2017.
 */
export function entropyRange(histogram: Histogram): Range {
  const { range } = histogram;
  const [min, max] = range;
  const counts = withoutSpikes(histogram.counts);
  const zero = Math.max(0, Math.min(BINS, Math.round((-min / (max - min || 1)) * BINS)));
  let best = { divergence: Number.POSITIVE_INFINITY, low: 0, high: BINS };
  // Below an eighth of the range there are as many steps as bins, and nothing to compare.
  for (let part = 1; part >= 0.125; part -= 1 / 64) {
    const low = Math.floor(zero * (1 - part));
    const high = Math.ceil(zero + (BINS - zero) * part);
    const divergence = divergenceOf(counts, low, high);
    if (divergence < best.divergence) best = { divergence, low, high };
  }
  return edges(range, best.low, best.high);
}

/**
 * A value that comes again and again (ReLU's 0, shifted by what follows) needs one step, however wide the range is. Left in, its
 * bin alone would decide: by how many empty ones it shares a level with.
 */
function withoutSpikes(counts: Float64Array): Float64Array {
  const filled = counts.filter((count) => count > 0);
  const most = (SPIKE * filled.reduce((sum, count) => sum + count, 0)) / Math.max(1, filled.length);
  return counts.map((count) => Math.min(count, most));
}

/** Of the distribution whose ends are gathered in the outermost bins, from what is left when its bins become levels. */
function divergenceOf(counts: Float64Array, low: number, high: number): number {
  const inside = counts.slice(low, high);
  const clipped = inside.slice();
  for (let at = 0; at < low; at++) clipped[0]! += counts[at]!;
  for (let at = high; at < counts.length; at++) clipped[clipped.length - 1]! += counts[at]!;
  const total = clipped.reduce((sum, count) => sum + count, 0);
  const left = inside.reduce((sum, count) => sum + count, 0);
  if (total === 0 || left === 0) return Number.POSITIVE_INFINITY;
  let divergence = 0;
  for (let level = 0; level < LEVELS; level++) {
    const from = Math.floor((level * inside.length) / LEVELS);
    const to = Math.floor(((level + 1) * inside.length) / LEVELS);
    let [sum, filled] = [0, 0];
    for (let at = from; at < to; at++) {
      sum += inside[at]!;
      if (clipped[at]! > 0) filled++;
    }
    for (let at = from; at < to; at++) {
      if (clipped[at]! === 0) continue;
      const p = clipped[at]! / total;
      // A bin that only clipping fills has no share in what is left: a small one keeps the logarithm finite.
      const q = Math.max(sum / filled / left, 1e-12);
      divergence += p * Math.log(p / q);
    }
  }
  return divergence;
}

function edges([min, max]: Range, low: number, high: number): Range {
  const width = (max - min) / BINS;
  return [min + low * width, min + high * width];
}
