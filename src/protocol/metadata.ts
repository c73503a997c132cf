// What the Open Inference Protocol says of a server and of a model.

import type { Signature, TensorSpec } from '../core/signature.ts';
import { version } from '../core/version.ts';

export function serverMetadata() {
  return { name: 'glowplug', version, extensions: [] as string[] };
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

function tensorMetadata([name, { datatype, shape }]: [string, TensorSpec]) {
  return { name, datatype, shape: shape.map((dimension) => (typeof dimension === 'number' ? dimension : -1)) };
}
