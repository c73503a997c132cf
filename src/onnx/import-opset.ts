// Names a domain's operators in a model, so that its nodes may be used.
import { create } from '@bufbuild/protobuf';
import { OperatorSetIdProtoSchema } from 'onnx-buf';
import { domainName } from './nodes.ts';
import type { OnnxModel } from './read.ts';

/** The version of the default domain's operators that the model is written in. */
export function opsetOf({ opsetImport }: OnnxModel): number {
  return Number(opsetImport.find(({ domain }) => domainName(domain) === 'ai.onnx')?.version ?? 0n);
}

/** Changes `model`; a domain that it names already stays as it is. */
export function importOpset(model: OnnxModel, domain: string, version: number): void {
  if (model.opsetImport.some((one) => one.domain === domain)) return;
  model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }));
}
