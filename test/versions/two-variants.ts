// A small version of two variants; their bytes need not be ONNX here.
import { buildManifest } from '../../src/models/manifest.ts';
import { buildVariants } from '../../src/models/variants.ts';
import type { BuiltVersion } from '../../src/models/version.ts';
import { signature } from '../models/tiny-version.ts';

export function twoVariants(version = '1.0.0'): BuiltVersion {
  const parts = { model: 'tiny', version, license: 'MIT', signature };
  const fp32 = buildManifest({
    ...parts,
    files: { 'model.onnx': Buffer.from('fp32'), 'labels.txt': Buffer.from('a') },
  });
  const int8 = buildManifest({ ...parts, precision: 'int8', files: { 'model.onnx': Buffer.from('int8') } });
  return buildVariants([
    { name: 'fp32', built: fp32 },
    { name: 'int8', built: int8, precision: 'int8', architecture: 'arm64' },
  ]);
}
