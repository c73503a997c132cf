// All passes that leave the answers as they are, over and over until none finds anything more.
import type { GraphProto } from 'onnx-buf';
import { subgraphsOf } from '../../onnx/attributes.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { foldConstants } from './fold-constants.ts';
import { inlineIfs } from './inline-ifs.ts';
import { ownConstants } from './own-constants.ts';
import { removeDead } from './remove-dead.ts';
import { removeNoOps } from './remove-no-ops.ts';
import { sortNodes } from './sort-nodes.ts';

/** Each round works on what the last one uncovered; real models are done after two or three. */
const ROUNDS = 20;

/**
 * The same model in fewer nodes: constants folded, branches that are always taken inlined, no-ops and dead nodes gone.
 * Outputs are equal to the last bit, apart from how onnxruntime itself arranges what it then sees.
 *
 * @throws GlowplugError MODEL_INVALID
 * @example
 * const smaller = simplify(readModel(readFileSync('model.onnx')));
 * writeFileSync('smaller.onnx', writeModel(smaller));
 */
export function simplify(model: OnnxModel): OnnxModel {
  let current = removeDead(ownConstants(sortNodes(model)));
  for (let round = 0; round < ROUNDS; round++) {
    const next = foldConstants(removeNoOps(inlineIfs(current)));
    if (countNodes(next.graph) === countNodes(current.graph)) return next;
    current = next;
  }
  return current;
}

/** Nodes of the graph and its subgraphs. */
export function countNodes(graph: GraphProto): number {
  return graph.node.reduce(
    (sum, node) => sum + 1 + subgraphsOf(node).reduce((inner, one) => inner + countNodes(one), 0),
    0,
  );
}
