// Small versions to publish and fetch: their bytes need not be ONNX here.
import type { Signature } from '../../src/core/signature.ts';
import { buildManifest } from '../../src/models/manifest.ts';
import type { BuiltVersion } from '../../src/models/version.ts';

export const signature: Signature = {
  inputs: { x: { datatype: 'FP32', shape: ['N', 4] } },
  outputs: { y: { datatype: 'INT64', shape: ['N'] } },
};

export function tinyVersion(version = '1.0.0', content: string | Uint8Array = `model of ${version}`): BuiltVersion {
  return buildManifest({
    model: 'tiny',
    version,
    license: 'MIT',
    files: { 'model.onnx': Buffer.from(content), 'labels.txt': Buffer.from('a\nb\n') },
    signature,
  });
}
