// What the Open Inference Protocol says of a server and of a model.
import type { Signature, TensorSpec } from '../core/signature.ts';
import { version } from '../core/version.ts';

/** Triton's names of what is served whole. model_repository is one where it answers whole, loading and unloading too. */
const extensions = ['binary_tensor_data', 'model_configuration', 'statistics'] as const;

/** Triton's clients judge by the status alone; KServe's read the body. */
export const live = { live: true } as const;
export const ready = { ready: true } as const;

/** @param control whether models are loaded and unloaded by who asks */
export function serverMetadata(control = false) {
  return { name: 'glowplug', version, extensions: control ? [...extensions, 'model_repository'] : extensions };
}

/** Free dimensions are -1. */
export function modelMetadata(name: string, version: string, signature: Signature) {
  return {
    name,
    versions: [version],
    platform: 'onnx_onnxv1',
    inputs: Object.entries(signature.inputs).map(tensorMetadata),
    outputs: Object.entries(signature.outputs).map(tensorMetadata),
  };
}

/** Triton's model configuration, as far as its clients read it: every shape is whole, so max_batch_size is 0. */
export function modelConfig(name: string, signature: Signature) {
  return {
    name,
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    max_batch_size: 0,
    input: Object.entries(signature.inputs).map(tensorConfig),
    output: Object.entries(signature.outputs).map(tensorConfig),
  };
}

function tensorMetadata([name, { datatype, shape }]: [string, TensorSpec]) {
  return { name, datatype, shape: lengths(shape) };
}

function tensorConfig([name, { datatype, shape }]: [string, TensorSpec]) {
  return { name, data_type: `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`, dims: lengths(shape) };
}

function lengths(shape: TensorSpec['shape']): number[] {
  return shape.map((dimension) => (typeof dimension === 'number' ? dimension : -1));
}
