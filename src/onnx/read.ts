// Reads an ONNX file without a runtime, within limits.
import { fromBinary } from '@bufbuild/protobuf';
import { type GraphProto, type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { GlowplugError } from '../core/errors.ts';
import { recognise } from './foreign.ts';
import { checkWire } from './limits.ts';

/** A model that was read: it has a graph. */
export type OnnxModel = ModelProto & { graph: GraphProto };

/**
 * The model in `bytes`. Weights are views of `bytes`, not copies: leave the bytes as they are while the model is in use.
 *
 * @throws GlowplugError MODEL_INVALID
 * @example
 * const model = readModel(readFileSync('model.onnx'));
 * console.log(model.graph.node.length);
 */
export function readModel(bytes: Uint8Array): OnnxModel {
  if (bytes.length === 0) throw invalid('got an empty file');
  const model = parse(bytes);
  if (!hasGraph(model)) throw foreignFile(bytes) ?? invalid('got a file without a graph');
  if (model.irVersion <= 0n || model.opsetImport.length === 0) {
    throw invalid('got one that names no IR version or no opset: cut off, or not ONNX');
  }
  return model;
}

function parse(bytes: Uint8Array): ModelProto {
  try {
    checkWire(bytes, ModelProtoSchema);
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    const foreign = foreignFile(bytes);
    if (foreign) throw foreign;
    if (error instanceof GlowplugError) throw error;
    // What the walk cannot know: text that is not UTF-8, a field in another wire type than the schema's.
    throw new GlowplugError('MODEL_INVALID', 'expected an ONNX model, got bytes that cannot be read as one', {
      cause: error,
    });
  }
}

function hasGraph(model: ModelProto): model is OnnxModel {
  return model.graph !== undefined;
}

function foreignFile(bytes: Uint8Array): GlowplugError | undefined {
  const name = recognise(bytes);
  if (name === undefined) return undefined;
  return new GlowplugError('MODEL_INVALID', `expected an ONNX model, got ${name}`, {
    remedy:
      'Give the .onnx file; glowplug convert makes one of what PyTorch, scikit-learn, TensorFlow and others save.',
  });
}

function invalid(came: string): GlowplugError {
  return new GlowplugError('MODEL_INVALID', `expected an ONNX model, ${came}`);
}
