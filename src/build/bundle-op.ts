// Bundles one of the small functions that constructs deploy (src/ops): a folder named by its content.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { buildFolder, projectRoot, sha256, writeWhole } from './project.ts';
import { recipe } from './recipe.ts';

export interface OpBundle {
  /** Its handler is `index.handler`. */
  readonly path: string;
  readonly digest: string;
}

/** `files` lie beside the handler. The AWS SDK is in Lambda's own runtime. */
export function bundleOp(
  name: 'api-keys' | 'golden' | 'golden-endpoint' | 'quality' | 'rollout' | 'waker',
  { root = projectRoot(), files = {} }: { root?: string; files?: Readonly<Record<string, string>> } = {},
): OpBundle {
  const { external = [], ...options } = recipe(root);
  const source = join(import.meta.dirname, '..', 'ops', name, 'handler');
  const { outputFiles } = buildSync({
    ...options,
    // The local cloud has none, and runs this one.
    external: name === 'quality' ? external : [...external, '@aws-sdk/*'],
    sourcemap: false,
    legalComments: 'none',
    entryPoints: [existsSync(`${source}.ts`) ? `${source}.ts` : `${source}.js`],
    outfile: join(root, buildFolder, 'ops', 'index.js'),
    write: false,
  });
  const code = outputFiles?.[0]?.text ?? '';
  const all = { ...files, 'index.js': code, 'package.json': '{"type":"commonjs"}\n' };
  const digest = sha256(JSON.stringify(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))));
  const path = join(root, buildFolder, 'ops', `${name}-${digest.slice(0, 16)}`);
  for (const [file, text] of Object.entries(all)) if (!existsSync(join(path, file))) writeWhole(join(path, file), text);
  return { path, digest };
}
