// Builds the layer for both architectures and says what came out.
import { architectures, buildOnnxruntimeLayer } from 'glowplug/build';

for (const arch of architectures) {
  const { bytes, digest, path } = buildOnnxruntimeLayer({ arch });
  console.log(`${arch}: ${(bytes / 1e6).toFixed(1)} MB, sha256:${digest}\n  ${path}`);
}
