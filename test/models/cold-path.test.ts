// What a running function loads of src/models: the AWS SDK, which costs 70 ms, must not be in it.

import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

describe('the cold path', () => {
  it('reads the lock, opens the store and fetches a model without any package, in under 45 KB', async () => {
    const { metafile } = await build({
      stdin: {
        contents: `export { fetchModel } from './fetch-model.ts';
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
    expect(Object.keys(output.inputs).filter((path) => path.includes('node_modules'))).toEqual([]);
    expect(output.bytes).toBeLessThan(45_000);
  });
});
