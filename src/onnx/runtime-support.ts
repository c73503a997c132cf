// What onnxruntime says it cannot run that the file alone shows: IR version, opsets, domains, operators of nobody.
// Which operators of a known domain lack a CPU kernel only a session knows: glowplug inspect tries one.
import { shorten } from '../core/errors.ts';
import { domainName, nodesOf, operatorName } from './nodes.ts';
import type { OnnxModel } from './read.ts';

/** Measured on onnxruntime-node 1.30.0; test/onnx/runtime-support.test.ts asks the installed one again. */
export const runtime = {
  name: 'onnxruntime 1.30',
  irVersion: 13,
  /** Newest opset by domain. What is absent here has no operators in onnxruntime. */
  opsets: new Map([
    ['ai.onnx', 26],
    ['ai.onnx.ml', 5],
    ['ai.onnx.preview', 1],
    ['ai.onnx.training', 1],
    ['ai.onnx.preview.training', 1],
    ['com.microsoft', 1],
    ['com.microsoft.experimental', 1],
    ['com.microsoft.nchwc', 1],
    ['org.pytorch.aten', 1],
  ]),
} as const;

/** Why the model will not run, one sentence a reason; none found is no promise. */
export function obstacles(model: OnnxModel): string[] {
  return [...irVersion(model), ...opsets(model), ...operators(model)];
}

function irVersion({ irVersion }: OnnxModel): string[] {
  if (irVersion <= BigInt(runtime.irVersion)) return [];
  return [`IR version ${irVersion}: ${runtime.name} reads up to ${runtime.irVersion}`];
}

function opsets({ opsetImport }: OnnxModel): string[] {
  return opsetImport.flatMap(({ domain, version }) => {
    const newest = runtime.opsets.get(domainName(domain));
    if (newest === undefined || version <= BigInt(newest)) return [];
    return [`opset ${version} of ${shorten(domainName(domain))}: ${runtime.name} has up to ${newest}`];
  });
}

function operators(model: OnnxModel): string[] {
  const imported = new Set(model.opsetImport.map(({ domain }) => domainName(domain)));
  const local = new Set(model.functions.map(({ domain, name }) => `${domainName(domain)}\n${name}`));
  const reasons = new Set<string>();
  for (const node of nodesOf(model)) {
    const domain = domainName(node.domain);
    if (local.has(`${domain}\n${node.opType}`)) continue;
    const name = shorten(operatorName(node));
    if (!runtime.opsets.has(domain)) reasons.add(`operator ${name}: ${runtime.name} has no operators of this domain`);
    else if (!imported.has(domain)) reasons.add(`operator ${name}: the model names no opset of ${domain}`);
  }
  return [...reasons];
}
