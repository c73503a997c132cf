// glowplug/build: bundles and layers, the same bytes for tests, the local cloud and AWS.
export { GlowplugError } from '../core/errors.ts';
export { type BundleOptions, bundleFunction, type FunctionBundle } from './bundle-function.ts';
export { type FunctionSource, findFunctions } from './find-functions.ts';
export { type Architecture, architectures, type Layer, type LayerOptions } from './layer.ts';
export { buildOnnxruntimeLayer } from './onnxruntime-layer.ts';
export { recipe } from './recipe.ts';
export { buildSharpLayer } from './sharp-layer.ts';
export { ungatedVariants } from './ungated-variants.ts';
