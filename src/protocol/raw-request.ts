// A raw request: the body is one tensor's bytes and nothing else; what they are stands in the model's signature.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Signature, TensorSpec } from '../core/signature.ts';
import { decodeBinary, elementBytes, textOrBytes } from '../tensor/binary.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { InferRequest } from './infer-request.ts';
import { malformed } from './malformed.ts';

/** All outputs come back as bytes. @throws GlowplugError INPUT_TENSOR */
export function rawInferRequest(bytes: Uint8Array, signature: Signature | undefined): InferRequest {
  if (!signature) {
    throw new GlowplugError('INPUT_TENSOR', 'expected a raw request at the path of a model', {
      remedy: 'POST it to /v2/models/{model}/infer, or send JSON that says what the bytes are.',
    });
  }
  const [input, ...others] = Object.entries(signature.inputs);
  if (!input || others.length > 0) {
    throw malformed('a raw request for a model of one input', Object.keys(signature.inputs));
  }
  const [name, spec] = input;
  return { id: undefined, inputs: { [name]: readTensor(name, spec, bytes) }, outputs: undefined, binary: 'all' };
}

function readTensor(name: string, spec: TensorSpec, bytes: Uint8Array): Tensor {
  const free = spec.shape.filter((dimension) => typeof dimension === 'string').length;
  if (free > 1) throw malformed('a raw request for an input with at most one variable dimension', spec.shape);
  if (spec.datatype === 'BYTES') {
    if (spec.shape.some((dimension) => typeof dimension === 'number' && dimension !== 1)) {
      throw malformed('a raw request of BYTES for an input of one element', spec.shape);
    }
    // The whole body is the element: no length stands before it.
    return { datatype: 'BYTES', shape: spec.shape.map(() => 1), data: [textOrBytes(bytes)] };
  }
  const fixed = spec.shape.reduce<number>(
    (product, length) => (typeof length === 'number' ? product * length : product),
    1,
  );
  const row = fixed * elementBytes(spec.datatype);
  const length = bytes.byteLength / row;
  if (free === 1 && !Number.isInteger(length)) {
    throw malformed(
      `input ${shorten(name)}: a multiple of ${row} bytes for shape ${shorten(spec.shape)}`,
      bytes.byteLength,
    );
  }
  const shape = spec.shape.map((dimension) => (typeof dimension === 'number' ? dimension : length));
  return decodeBinary(name, spec.datatype, shape, bytes);
}
