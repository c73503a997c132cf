// One line of text laid flat, at the height that a model reads.
import { cropQuad, distance, type Quad, type RawImage } from 'glowplug/process';

export function strip(image: RawImage, quad: Quad, height: number, maxWidth: number): RawImage {
  const width = Math.round(height * aspect(quad));
  return cropQuad(image, quad, Math.min(maxWidth, Math.max(height / 2, width)), height);
}

/** Width over height. */
export function aspect(quad: Quad): number {
  return distance(quad[0], quad[1]) / Math.max(1, lineHeight(quad));
}

export function lineHeight(quad: Quad): number {
  return distance(quad[0], quad[3]);
}
