// What goes into a model and what comes out: names, element types and shapes. Words and types, no behaviour.

/** Element types by their Open Inference Protocol names. BYTES are strings in onnxruntime. */
export const datatypes = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
] as const;
export type Datatype = (typeof datatypes)[number];

/** A number is a fixed length, a name a free dimension; the same name twice is the same length. `?` is free without a name. */
export type Dimension = number | string;

export interface TensorSpec {
  readonly datatype: Datatype;
  readonly shape: readonly Dimension[];
}

export interface Signature {
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly outputs: Readonly<Record<string, TensorSpec>>;
}
