// Attributes of a node by name, as plain numbers and text; and new ones.
import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  AttributeProto_AttributeType as Type,
} from 'onnx-buf';

export function attributeOf(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((attribute) => attribute.name === name);
}

export function intOf(node: NodeProto, name: string, fallback: number): number {
  const attribute = attributeOf(node, name);
  return attribute ? Number(attribute.i) : fallback;
}

/** Undefined when the node does not have it. */
export function intsOf(node: NodeProto, name: string): number[] | undefined {
  return attributeOf(node, name)?.ints.map(Number);
}

export function floatOf(node: NodeProto, name: string, fallback: number): number {
  return attributeOf(node, name)?.f ?? fallback;
}

export function textOf(node: NodeProto, name: string, fallback: string): string {
  const attribute = attributeOf(node, name);
  return attribute ? Buffer.from(attribute.s).toString() : fallback;
}

/** The graphs that a node runs: branches of If, bodies of Loop and Scan. */
export function subgraphsOf(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));
}

/** A node with whole-number attributes, which is all that our own need. */
export function makeNode(
  opType: string,
  input: string[],
  output: string[],
  ints: Readonly<Record<string, number | readonly number[]>> = {},
): NodeProto {
  const attribute = Object.entries(ints).map(([name, value]) =>
    create(
      AttributeProtoSchema,
      typeof value === 'number'
        ? { name, type: Type.INT, i: BigInt(value) }
        : { name, type: Type.INTS, ints: value.map(BigInt) },
    ),
  );
  return create(NodeProtoSchema, { opType, name: output[0] ?? '', input, output, attribute });
}
