// glowplug/cdk: constructs with good defaults; any underlying L2 is reachable.
export { findFunctions } from '../build/find-functions.ts';
export { type Architecture, architectures } from '../build/layer.ts';
export { GlowplugError } from '../core/errors.ts';
export { InferenceFunction, type InferenceFunctionProps } from './inference-function.ts';
export { InferenceQueue, type InferenceQueueProps } from './inference-queue.ts';
export { type LayerProps, OnnxRuntimeLayer, SharpLayer } from './layers.ts';
export { ModelStore, type ModelStoreProps } from './model-store.ts';
