// Writes an ONNX file: the same model gives the same bytes, fields in the order of their numbers.
import { toBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';

/** The bytes of `model`. What `readModel` read comes back byte for byte where its writer kept protobuf's canonical order. */
export function writeModel(model: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}
