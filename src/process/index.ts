// glowplug/process: what surrounds a model. Pure functions over pixels, typed arrays and tensors.
export type { RawImage } from '../tensor/image.ts';
export { type Component, components, outline } from './components.ts';
export { cropQuad, project, unitSquareTo } from './crop-quad.ts';
export { type CtcSymbol, ctcGreedy, meanConfidence } from './ctc.ts';
export {
  type Box,
  boundingBox,
  convexHull,
  convexIntersection,
  distance,
  minAreaRect,
  type Point,
  polygonArea,
  type Quad,
} from './geometry.ts';
export { type Letterboxed, type LetterboxOptions, letterbox, unletterbox } from './letterbox.ts';
export { boxIou, type NmsOptions, nmsBoxes, nmsPolygons, polygonIou } from './nms.ts';
export { imagenet, type NormalizeOptions, normalize } from './normalize.ts';
export { type Pooling, pool, poolings, unitVector } from './pool.ts';
export { resize } from './resize.ts';
export { argmax, type Ranked, softmax, topK } from './softmax.ts';
export {
  growRect,
  readingQuad,
  rotateCorners,
  type TextRegion,
  type TextRegionOptions,
  textRegions,
  unclipRect,
} from './text-regions.ts';
export { type TextTokenizer, type TokenTensors, tokenize, tokenTensors } from './tokenize.ts';
export { type Window, windows } from './windows.ts';
