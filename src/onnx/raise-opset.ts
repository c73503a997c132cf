// From opset 9 to 10, the first whose operators onnxruntime's quantised kernels stand in: Slice takes its bounds as inputs.
import type { NodeProto } from 'onnx-buf';
import { GlowplugError } from '../core/errors.ts';
import { intsOf } from './attributes.ts';
import { opsetOf } from './import-opset.ts';
import { newWeight } from './new-weight.ts';
import { domainName, nodesOf } from './nodes.ts';
import type { OnnxModel } from './read.ts';

/** Operators whose meaning or attributes changed in opset 10, and that models of opset 9 seldom have. */
const changed = new Set(['Upsample', 'TopK', 'Dropout', 'Resize']);

/** Changes `model` when it is written in opset 7, 8 or 9. @throws GlowplugError MODEL_UNSUPPORTED */
export function raiseToTen(model: OnnxModel): void {
  const opset = opsetOf(model);
  if (opset >= 10) return;
  for (const node of nodesOf(model)) {
    if (domainName(node.domain) !== 'ai.onnx') continue;
    if (opset < 7 || changed.has(node.opType)) {
      throw new GlowplugError(
        'MODEL_UNSUPPORTED',
        `expected a model of opset 10 or newer, got ${opset} with ${node.opType}`,
        {
          remedy: 'Export it with a newer opset.',
        },
      );
    }
    if (node.opType === 'Slice') boundsAsInputs(model, node);
  }
  for (const one of model.opsetImport) if (domainName(one.domain) === 'ai.onnx') one.version = 10n;
}

function boundsAsInputs({ graph }: OnnxModel, node: NodeProto): void {
  const starts = intsOf(node, 'starts') ?? [];
  const bounds = { starts, ends: intsOf(node, 'ends') ?? [], axes: intsOf(node, 'axes') ?? starts.map((_, at) => at) };
  node.input = node.input.slice(0, 1);
  for (const [kind, values] of Object.entries(bounds)) {
    const name = `${node.output[0]}/${kind}`;
    graph.initializer.push(newWeight(name, [values.length], BigInt64Array.from(values, BigInt)));
    node.input.push(name);
  }
  node.attribute = [];
}
