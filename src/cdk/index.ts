// glowplug/cdk: constructs with good defaults; any underlying L2 is reachable.
export { type FunctionSource, findFunctions } from '../build/find-functions.ts';
export { type Architecture, architectures } from '../build/layer.ts';
export { GlowplugError } from '../core/errors.ts';
export { type AlarmRule, errorRule } from '../observe/alarm-rule.ts';
export { BatchTransform, type BatchTransformProps } from './batch-transform.ts';
export { ChannelRollout, type ChannelRolloutProps } from './channel-rollout.ts';
export { errorAlarm, latencyAlarm } from './error-alarm.ts';
export { GpuEndpoint, type GpuEndpointProps } from './gpu-endpoint.ts';
export { type Gpu, gpus } from './gpus.ts';
export { type ApiDomain, InferenceApi, type InferenceApiProps, type JwtAuth } from './inference-api.ts';
export { InferenceFunction, type InferenceFunctionProps, type ManagedInstances } from './inference-function.ts';
export { InferenceQueue, type InferenceQueueProps } from './inference-queue.ts';
export { type LayerProps, OnnxRuntimeLayer, SharpLayer } from './layers.ts';
export { ModelPipeline, type ModelPipelineProps } from './model-pipeline.ts';
export { ModelStore, type ModelStoreProps } from './model-store.ts';
export { Rollout, type RolloutProps } from './rollout.ts';
export { Waker, type WakerProps } from './waker.ts';
