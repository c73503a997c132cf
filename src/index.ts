// The public face of glowplug. Loads no AWS SDK, CDK or onnxruntime until a function runs.
export type { ErrorCode } from './core/error-catalogue.ts';
export { GlowplugError } from './core/errors.ts';
export type { Datatype, Dimension, Signature, TensorSpec } from './core/signature.ts';
export { type AudioOptions, audio } from './handler/audio-input.ts';
export type { Context } from './handler/context.ts';
export type { FunctionOptions } from './handler/define.ts';
export { type Accepts, type Input, image, json, tensors } from './handler/input.ts';
export type { Model, Models } from './handler/model.ts';
export type { Follow, ModelOptions, ModelUse, Shadow, Split } from './handler/model-use.ts';
// All of it, not by name: models.d.ts can only add to what a star brings.
export * from './handler/registry.ts';
export { signedBy } from './handler/signed-by.ts';
export { type Parts, type StreamOptions, stream } from './handler/stream.ts';
export { type TextLimits, text, texts } from './handler/text-input.ts';
export { type InferenceHandler, inference } from './inference.ts';
export type { InferRequest } from './protocol/infer-request.ts';
export type { Inference } from './protocol/infer-response.ts';
export type { RawAudio } from './tensor/audio.ts';
export type { RawImage } from './tensor/image.ts';
export { type Tensor, type Tensors, tensor } from './tensor/tensor.ts';
