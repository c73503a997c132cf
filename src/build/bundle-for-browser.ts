// A module and what it imports as one script for browsers; nothing is written to disk.
import { build } from 'esbuild';

/** @param entry absolute path of a TypeScript or JavaScript module */
export async function bundleForBrowser(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    // What all three engines have had for two years.
    target: 'es2022',
    minify: true,
    legalComments: 'inline',
    logLevel: 'silent',
  });
  const script = outputFiles[0];
  if (!script) throw new Error(`esbuild made nothing of ${entry}`);
  return script.contents;
}
