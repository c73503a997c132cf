// Splits a model into its graph, tens of kilobytes, and its weights, one file that onnxruntime maps: so that a session
// can be made before the weights are there.
import { create } from '@bufbuild/protobuf';
import {
  type GraphProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { type OnnxModel, readModel } from './read.ts';
import { writeModel } from './write.ts';

export interface SplitModel {
  /** The model without its large weights: they stand in the file `location` beside it. */
  readonly graph: Uint8Array;
  readonly weights: Uint8Array;
}

/** Smaller tensors stay in the graph: scalars, scales and zero points, which making a session may read. */
const smallestApart = 1024;
/** Less than this arrives within 3 ms at 75 MB/s: one file is simpler. */
const smallestWeights = 256 * 1024;
/** Shapes, axes and indices are whole numbers of these types: kernels read them when they are made, whatever their size. */
const staysInGraph: ReadonlySet<number> = new Set([Type.INT64, Type.INT32, Type.BOOL, Type.STRING]);
/** Cache lines, as onnxruntime's own allocator aligns. It maps each tensor by itself, from any offset. */
const alignment = 64;

/**
 * The same model, its weights apart in a file that the graph names `location`. Undefined where that cannot be:
 * weights are apart already, or hardly any. Pure: the same bytes give the same bytes.
 *
 * @throws GlowplugError MODEL_INVALID
 */
export function splitWeights(bytes: Uint8Array, location: string): SplitModel | undefined {
  const model = readModel(bytes);
  if (model.graph.initializer.some(isApart)) return undefined;
  liftConstants(model);
  const apart = model.graph.initializer.filter(
    (tensor) => !staysInGraph.has(tensor.dataType) && rawBytes(tensor).length >= smallestApart,
  );

  const offsets: number[] = [];
  let end = 0;
  for (const tensor of apart) {
    offsets.push(end);
    end = Math.ceil((end + rawBytes(tensor).length) / alignment) * alignment;
  }
  if (end < smallestWeights) return undefined;
  const weights = new Uint8Array(end);
  for (const [index, tensor] of apart.entries()) {
    const raw = rawBytes(tensor);
    const offset = offsets[index]!;
    weights.set(raw, offset);
    tensor.rawData = new Uint8Array();
    tensor.floatData = [];
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    tensor.externalData = Object.entries({ location, offset, length: raw.length }).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value: `${value}` }),
    );
  }
  return { graph: writeModel(model), weights };
}

/** Constant nodes become initialisers, where IR version 4 allows initialisers that are no inputs. */
function liftConstants({ irVersion, graph }: OnnxModel): void {
  if (irVersion < 4n) return;
  graph.node = graph.node.filter((node) => {
    const [value] = node.attribute;
    const [name] = node.output;
    if (node.opType !== 'Constant' || node.domain !== '' || !value?.t || value.name !== 'value' || !name) return true;
    if (isOutput(graph, name)) return true;
    value.t.name = name;
    graph.initializer.push(value.t);
    return false;
  });
}

/** An output that is an initialiser is legal, and rare enough to be left as it is. */
function isOutput({ output }: GraphProto, name: string): boolean {
  return output.some((value) => value.name === name);
}

/** As raw_data has it; older exporters wrote FP32 as a list of numbers. Empty for what stays in the graph. */
function rawBytes({ dataType, rawData, floatData }: TensorProto): Uint8Array {
  if (rawData.length > 0 || dataType !== Type.FLOAT || floatData.length === 0) return rawData;
  return new Uint8Array(Float32Array.from(floatData).buffer);
}

function isApart({ dataLocation }: TensorProto): boolean {
  return dataLocation === TensorProto_DataLocation.EXTERNAL;
}
