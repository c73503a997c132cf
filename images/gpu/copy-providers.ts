// The provider files of onnxruntime-node into a folder of their own, each with the digest that the build named.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const from = 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64';
const files = { CUDA_PROVIDER: 'cuda', TENSORRT_PROVIDER: 'tensorrt', SHARED_PROVIDER: 'shared' };
const [to = ''] = process.argv.slice(2);

mkdirSync(to, { recursive: true });
for (const [variable, name] of Object.entries(files)) {
  const file = `libonnxruntime_providers_${name}.so`;
  const digest = createHash('sha256')
    .update(readFileSync(join(from, file)))
    .digest('hex');
  if (digest !== process.env[variable])
    throw new Error(`expected ${file} with ${variable}=${process.env[variable]}, got ${digest}`);
  copyFileSync(join(from, file), join(to, file));
}
