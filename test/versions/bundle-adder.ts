import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../root.ts';

/** A function of [0, 0] through the model `m`, as its bundle would be, with onnxruntime from this repository. */
export async function bundleAdder(model: string, predicted: string): Promise<string> {
  const onnxruntime = createRequire(import.meta.url).resolve('onnxruntime-node');
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { inference, tensor } from './index.ts';
        const x = tensor('FP32', [1, 2], Float32Array.of(0, 0));
        export const handler = inference({
          models: { m: ${model} },
          input: { kind: 'custom', decode: () => undefined },
          async predict(_input, { m }) {
            const { y } = await m.run({ x });
            ${predicted}
          },
        });`,
      resolveDir: join(root, 'src'),
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    external: [onnxruntime, 'sharp'],
    alias: { 'onnxruntime-node': onnxruntime },
  });
  return outputFiles[0]!.text;
}
