// A new node: whole numbers as BigInt are INT, numbers FLOAT, as ONNX tells them apart.
import { create } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType as Kind, type NodeProto, NodeProtoSchema } from 'onnx-buf';

export type AttributeValue = bigint | number | readonly bigint[];

export function makeNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  domain = '',
): NodeProto {
  return create(NodeProtoSchema, {
    // Without a name: one that the graph has already would be refused, and values are what everything here goes by.
    opType,
    domain,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  });
}

function attribute(name: string, value: AttributeValue) {
  if (typeof value === 'bigint') return { name, type: Kind.INT, i: value };
  if (typeof value === 'number') return { name, type: Kind.FLOAT, f: value };
  return { name, type: Kind.INTS, ints: [...value] };
}
