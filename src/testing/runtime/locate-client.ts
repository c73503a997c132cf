// Finds AWS's runtime client, and what is preloaded into it.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GlowplugError } from '../../core/errors.ts';

export interface RuntimeClient {
  /** aws-lambda-ric's own module. */
  readonly main: string;
  /** runtime-client.ts, as JavaScript. */
  readonly preload: string;
}

/** @param folder the cloud's own, for what is made at each start */
export function locateClient(folder: string): RuntimeClient {
  return { main: mainModule(), preload: preloadedModule(folder) };
}

function mainModule(): string {
  try {
    return createRequire(import.meta.url).resolve('aws-lambda-ric');
  } catch (cause) {
    throw new GlowplugError('DEPENDENCY_MISSING', 'the local cloud runs AWS’s own runtime client, aws-lambda-ric', {
      cause,
      remedy: 'Install it without its scripts, which ask for a compiler: npm i -D --ignore-scripts aws-lambda-ric@4',
    });
  }
}

/** Its types are stripped once a cloud: it would cost every environment tens of milliseconds. */
function preloadedModule(folder: string): string {
  const built = import.meta.url.endsWith('.js');
  const source = fileURLToPath(new URL(`./runtime-client.${built ? 'js' : 'ts'}`, import.meta.url));
  if (built) return source;
  const path = join(folder, 'runtime-client.mjs');
  writeFileSync(path, stripTypeScriptTypes(readFileSync(source, 'utf8')));
  return path;
}
