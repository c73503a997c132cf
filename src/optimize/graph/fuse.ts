// What is worth rewriting ahead of time: the rewrites that onnxruntime does not do by itself, or does anew at each load.
import type { OnnxModel } from '../../onnx/read.ts';
import { fuseBatchNorm } from './fuse-batch-norm.ts';
import { fuseHardSwish } from './fuse-hard-swish.ts';
import { keepNormApart } from './keep-norm-apart.ts';
import { shareConstants } from './share-constants.ts';
import { simplify } from './simplify.ts';

/**
 * `simplify`, then fusions, equal to the original but for rounding.
 *
 * @throws GlowplugError MODEL_INVALID
 */
export function fuse(model: OnnxModel): OnnxModel {
  return shareConstants(keepNormApart(fuseBatchNorm(fuseHardSwish(simplify(model)))));
}
