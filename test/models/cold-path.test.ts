// What a running function loads of src/models: the AWS SDK, which costs 70 ms, must not be in it.

import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

describe('the cold path', () => {
  it('reads the lock, opens the store and fetches without the AWS SDK or the ONNX reader, in under 40 KB', async () => {
    const { metafile } = await build({
      stdin: {
        contents: `export { fetchVersion } from './fetch.ts';
          export { parseLock } from './lock.ts';
          export { openReader } from './stores/open.ts';`,
        resolveDir: join(root, 'src/models'),
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      minify: true,
      supported: { 'dynamic-import': false },
      metafile: true,
      write: false,
      outfile: 'any.js',
    });
    const output = metafile.outputs['any.js']!;
    const packages = Object.keys(output.inputs).filter((path) => path.includes('node_modules'));
    expect(packages.every((path) => path.includes('/aws4fetch/'))).toBe(true);
    expect(output.bytes).toBeLessThan(40_000);
  });
});
