// glowplug/cdk: constructs with good defaults; any underlying L2 is reachable.
export { type FunctionSource, findFunctions } from '../build/find-functions.ts';
export { type Architecture, architectures } from '../build/layer.ts';
export { GlowplugError } from '../core/errors.ts';
export { type AlarmRule, errorRule } from '../observe/alarm-rule.ts';
export { type BurnRate, burnRates } from '../observe/burn-rate.ts';
export type { ApiAuth, JwtAuth, KeyAuth } from './api-auth.ts';
export type { ApiDomain, ApiStageProps } from './api-stage.ts';
export { BatchTransform, type BatchTransformProps } from './batch-transform.ts';
export { ChannelRollout, type ChannelRolloutProps } from './channel-rollout.ts';
export { EcsHost } from './ecs-host.ts';
export type { EndpointApi, EndpointApiProps } from './endpoint-api.ts';
export { errorAlarm, latencyAlarm } from './error-alarm.ts';
export { GpuEndpoint, type GpuHosts } from './gpu-endpoint.ts';
export type { GpuEndpointProps, GpuHost } from './gpu-endpoint-props.ts';
export type { GpuImage } from './gpu-image.ts';
export { type Gpu, gpus } from './gpus.ts';
export type { Hosted } from './hosted.ts';
export { InferenceApi, type InferenceApiProps } from './inference-api.ts';
export {
  type FunctionSlos,
  InferenceDashboard,
  type InferenceDashboardProps,
  type Objectives,
} from './inference-dashboard.ts';
export { InferenceFunction } from './inference-function.ts';
export type { InferenceFunctionProps, ManagedInstances } from './inference-function-props.ts';
export { InferenceLoadBalancer, type InferenceLoadBalancerProps } from './inference-load-balancer.ts';
export { InferenceQueue, type InferenceQueueProps } from './inference-queue.ts';
export { LambdaHost } from './lambda-host.ts';
export { LargeBodies } from './large-bodies.ts';
export { type LayerProps, OnnxRuntimeLayer, SharpLayer } from './layers.ts';
export { ModelPipeline, type ModelPipelineProps } from './model-pipeline.ts';
export { ModelStore, type ModelStoreProps } from './model-store.ts';
export { QualityMonitor, type QualityMonitorProps } from './quality-monitor.ts';
export { Rollout, type RolloutProps } from './rollout.ts';
export { SageMakerHost } from './sagemaker-host.ts';
export { Slo, type SloMetrics, type SloProps } from './slo.ts';
export { Waker, type WakerProps } from './waker.ts';
