// The definitions of an app: every models/*.ts, whose default export is what defineModel returned.
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GlowplugError } from '../core/errors.ts';
import { defineModel, type ModelDefinition } from './define-model.ts';

/** By name. A file that changed since is imported anew. @throws GlowplugError CONFIG_INVALID naming the file */
export async function loadDefinitions(root: string): Promise<ModelDefinition[]> {
  const folder = resolve(root, 'models');
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && /(?<!\.d)\.[mc]?[jt]s$/.test(entry.name));
  return await Promise.all(
    files
      .map((file) => join(folder, file.name))
      .sort()
      .map(load),
  );
}

async function load(path: string): Promise<ModelDefinition> {
  const file = `models/${basename(path)}`;
  const definition = await importDefault(path, file);
  const name = basename(path).replace(/\.[mc]?[jt]s$/, '');
  if (typeof definition !== 'object' || definition === null || !isDefinition(definition)) {
    throw new GlowplugError('CONFIG_INVALID', `expected ${file} to export default defineModel({ … }), it does not`, {
      remedy: 'End it so: export default defineModel({ … }); what defines no model goes into another folder.',
    });
  }
  if (definition.name !== name) {
    throw new GlowplugError('CONFIG_INVALID', `expected ${file} to define ${name}, it defines ${definition.name}`, {
      remedy: 'Give the file the name of its model.',
    });
  }
  return defineModel(definition);
}

async function importDefault(path: string, file: string): Promise<unknown> {
  // Node keeps modules by URL: the time of the last change makes an edited file another module.
  const url = pathToFileURL(path);
  url.searchParams.set('changed', `${(await stat(path)).mtimeMs}`);
  try {
    const module: { default?: unknown } = await import(/* @vite-ignore */ url.href);
    return module.default;
  } catch (cause) {
    if (cause instanceof GlowplugError) {
      throw new GlowplugError(cause.code, `${file}: ${cause.message}`, { cause, remedy: cause.remedy });
    }
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new GlowplugError('CONFIG_INVALID', `${file} cannot be imported: ${message}`, {
      cause,
      remedy: 'Mend the file; TypeScript is imported by Node 22.18 or newer, and by no older one.',
    });
  }
}

/** Enough to hand it to defineModel, which checks the rest. */
function isDefinition(value: object): value is ModelDefinition {
  return 'name' in value && 'version' in value && ('files' in value || 'variants' in value);
}
