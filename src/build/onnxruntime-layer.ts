// The layer that runs models: onnxruntime-node for one architecture, on the CPU, without what only its install needs.
import { join, resolve } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { layerFiles, requirePackage } from './installed-package.ts';
import { buildLayer, type Layer, type LayerFile, type LayerOptions, nodeArch } from './layer.ts';
import { projectRoot } from './project.ts';

/**
 * Builds the onnxruntime layer from the installed packages (npm carries both architectures): 47 MB for x86_64, 26 MB for
 * arm64, instead of the 290 MB that npm unpacks. The same content gives the same digest; a second call copies nothing.
 * Throws DEPENDENCY_MISSING when onnxruntime-node is not installed.
 *
 * @example
 * const { path, digest, bytes } = buildOnnxruntimeLayer({ arch: 'arm64' });
 */
export function buildOnnxruntimeLayer(options: LayerOptions): Layer {
  const arch = nodeArch(options.arch);
  const runtime = requirePackage('onnxruntime-node', options.root ?? projectRoot());
  // The tensors and sessions that its dist requires. adm-zip and global-agent serve its postinstall alone.
  const common = requirePackage('onnxruntime-common', runtime.folder);
  const binaries = layerFiles(
    runtime,
    new RegExp(`^bin/napi-v6/linux/${arch}/(libonnxruntime\\.so\\.1|onnxruntime_binding\\.node)$`),
  );
  if (binaries.length !== 2) {
    throw new GlowplugError(
      'DEPENDENCY_MISSING',
      `expected libonnxruntime.so.1 and onnxruntime_binding.node for linux ${arch} in onnxruntime-node ${runtime.version}, found ${binaries.length} of 2`,
      { remedy: 'Install onnxruntime-node again, from npm.' },
    );
  }
  return buildLayer('onnxruntime', options, [
    ...binaries,
    ...layerFiles(runtime, /^(package\.json|dist\/[^/]+\.js)$/),
    ...layerFiles(common, /^((dist\/cjs\/)?package\.json|dist\/cjs\/.+\.js)$/),
    ...notices(),
  ]);
}

/** npm's package leaves the licence texts out; layers/onnxruntime, which this package carries, has them. */
function notices(): LayerFile[] {
  const folder = resolve(import.meta.dirname, '../../layers/onnxruntime');
  return ['LICENSE', 'ThirdPartyNotices.txt'].map((name) => ({
    source: join(folder, name),
    target: `nodejs/node_modules/onnxruntime-node/${name}`,
  }));
}
