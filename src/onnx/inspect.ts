// What a person wants to know of an ONNX file before running it, without a runtime.
import { type TensorProto, TensorProto_DataLocation, TensorProto_DataType as Type } from 'onnx-buf';
import { GlowplugError } from '../core/errors.ts';
import type { Signature } from '../core/signature.ts';
import { domainName, nodesOf, operatorName, weightsOf } from './nodes.ts';
import { type OnnxModel, readModel } from './read.ts';
import { obstacles } from './runtime-support.ts';
import { signatureOf } from './signature.ts';

export interface Inspection {
  /** Bytes of the file. */
  readonly size: number;
  readonly irVersion: number;
  /** Name and version of what wrote the file; empty when it does not say. */
  readonly producer: string;
  /** Domain → version; the default domain is `ai.onnx`. */
  readonly opsets: Readonly<Record<string, number>>;
  /** Undefined when `willNotRun` says why there is none. */
  readonly signature: Signature | undefined;
  /** Operator → how often, subgraphs and local functions included; the most frequent first. */
  readonly operators: Readonly<Record<string, number>>;
  /** Elements of all weights. */
  readonly parameters: number;
  /** Bytes of all weights, external ones included. */
  readonly parameterBytes: number;
  /** Files beside this one that hold weights. */
  readonly externalData: readonly ExternalData[];
  /** Reasons that the file itself shows. None is no promise: only a session knows every kernel. */
  readonly willNotRun: readonly string[];
}

export interface ExternalData {
  readonly location: string;
  readonly bytes: number;
}

/**
 * @throws GlowplugError MODEL_INVALID
 * @example
 * inspectModel(readFileSync('iris.onnx')).operators; // { Sub: 1, Div: 1, Gemm: 1, Softmax: 1, ArgMax: 1 }
 */
export function inspectModel(bytes: Uint8Array): Inspection {
  const model = readModel(bytes);
  const { signature, reasons } = signatureOrReason(model);
  return {
    size: bytes.length,
    irVersion: Number(model.irVersion),
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    opsets: Object.fromEntries(model.opsetImport.map(({ domain, version }) => [domainName(domain), Number(version)])),
    signature,
    operators: countOperators(model),
    ...weigh(model),
    willNotRun: [...reasons, ...obstacles(model)],
  };
}

function signatureOrReason(model: OnnxModel): { signature: Signature | undefined; reasons: string[] } {
  try {
    return { signature: signatureOf(model), reasons: [] };
  } catch (error) {
    if (!(error instanceof GlowplugError)) throw error;
    return { signature: undefined, reasons: [error.message] };
  }
}

function countOperators(model: OnnxModel): Record<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodesOf(model)) {
    const name = operatorName(node);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)));
}

function weigh(model: OnnxModel): Pick<Inspection, 'parameters' | 'parameterBytes' | 'externalData'> {
  const external = new Map<string, number>();
  let parameters = 0;
  let parameterBytes = 0;
  for (const tensor of weightsOf(model)) {
    const elements = tensor.dims.reduce((product, length) => product * Number(length), 1);
    const bytes = tensor.rawData.length || Math.ceil((elements * bitsOf(tensor)) / 8);
    parameters += elements;
    parameterBytes += bytes;
    if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) continue;
    const location = tensor.externalData.find(({ key }) => key === 'location')?.value ?? '?';
    external.set(location, (external.get(location) ?? 0) + bytes);
  }
  return { parameters, parameterBytes, externalData: [...external].map(([location, bytes]) => ({ location, bytes })) };
}

const bits: ReadonlyMap<number, number> = new Map([
  [Type.DOUBLE, 64],
  [Type.INT64, 64],
  [Type.UINT64, 64],
  [Type.COMPLEX64, 64],
  [Type.COMPLEX128, 128],
  [Type.FLOAT16, 16],
  [Type.BFLOAT16, 16],
  [Type.INT16, 16],
  [Type.UINT16, 16],
  [Type.INT4, 4],
  [Type.UINT4, 4],
  [Type.FLOAT4E2M1, 4],
  [Type.FLOAT, 32],
  [Type.INT32, 32],
  [Type.UINT32, 32],
]);

/** Bits of one element; 8 for BOOL, the 8-bit types, and strings, whose length the shape does not tell. */
function bitsOf({ dataType }: TensorProto): number {
  return bits.get(dataType) ?? 8;
}
