// Where a model's file comes from, and where it lies on this disk.
import { access, constants, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { GlowplugError, shorten } from '../core/errors.ts';
import { cachePath } from '../models/fetch.ts';
import { hashFile } from '../models/hash-file.ts';
import { isDigest } from '../models/reference.ts';
import { isThere, writeVerified } from '../models/verified-file.ts';
import type { Digest } from '../models/version.ts';
import { keptVariant } from './kept-variant.ts';

export type Source =
  | { readonly from: 'package'; readonly name: string; readonly path: string }
  | { readonly from: 'path'; readonly path: string }
  | { readonly from: 'url'; readonly url: string; readonly digest: Digest }
  | { readonly from: 'recipe'; readonly model: Source; readonly path: string };

/** A file of an installed npm package; its version is pinned where the package is. */
export function fromPackage(name: string, path: string): Source {
  return { from: 'package', name, path };
}

/** A file of the app, relative to its root. */
export function fromPath(path: string): Source {
  return { from: 'path', path };
}

/** Another model made by a recipe of `glowplug optimize`: the same model and recipe make the same bytes on every machine. */
export function fromRecipe(model: Source, path: string): Source {
  return { from: 'recipe', model, path };
}

/** Downloaded once and kept in .glowplug/cache. Bytes with another digest are refused. @throws GlowplugError CONFIG_INVALID */
export function fromUrl(url: string, digest: string): Source {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new GlowplugError('CONFIG_INVALID', `fromUrl: expected an http or https URL, got ${shorten(url)}`);
  }
  if (isDigest(digest)) return { from: 'url', url, digest };
  throw new GlowplugError('CONFIG_INVALID', `fromUrl: expected sha256:<64 hex digits>, got ${shorten(digest)}`);
}

/** The path of a file that can be read. @throws GlowplugError CONFIG_INVALID, DEPENDENCY_MISSING, STORE_UNAVAILABLE, DIGEST_MISMATCH */
export async function locateSource(source: Source, root: string, send: typeof fetch = fetch): Promise<string> {
  switch (source.from) {
    case 'path':
      return await readable(resolve(root, source.path), `Mend fromPath(${shorten(source.path)}), or make the file.`);
    case 'package': {
      const folder = await installed(source.name, root);
      const remedy = `Look at what ${source.name} holds, and mend fromPackage(…, ${shorten(source.path)}).`;
      return await readable(join(folder, source.path), remedy);
    }
    case 'recipe': {
      const remedy = `Mend fromRecipe(…, ${shorten(source.path)}), or make it: glowplug optimize --write.`;
      const recipe = await readable(resolve(root, source.path), remedy);
      return await makeVariant(await locateSource(source.model, root, send), recipe, source.path, root);
    }
    case 'url': {
      const path = cachePath(join(root, '.glowplug', 'cache'), source.digest);
      if (!(await isThere(path, undefined))) await download(source, path, send);
      return path;
    }
  }
}

async function makeVariant(model: string, recipe: string, what: string, root: string): Promise<string> {
  const text = await readFile(recipe, 'utf8');
  const { digest } = await hashFile(model);
  const kept = await keptVariant({ model: digest, recipe: text, root }, async () => {
    const { applyRecipe, parseRecipe } = await import('../optimize/recipe.ts');
    return applyRecipe(await readFile(model), parseRecipe(text, what));
  });
  return kept.path;
}

async function readable(path: string, remedy: string): Promise<string> {
  try {
    await access(path, constants.R_OK);
    if ((await stat(path)).isFile()) return path;
    throw new Error('it is no file');
  } catch (cause) {
    throw new GlowplugError('CONFIG_INVALID', `expected a file of a model at ${path}, it cannot be read`, {
      cause,
      remedy,
    });
  }
}

/** As Node finds packages, but not through `exports`: a package of data seldom exports its files. */
async function installed(name: string, root: string): Promise<string> {
  for (let folder = resolve(root); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (await stat(candidate).catch(() => undefined)) return candidate;
    if (folder === dirname(folder)) {
      throw new GlowplugError(
        'DEPENDENCY_MISSING',
        `expected the npm package ${name} in ${root}, it is not installed`,
        {
          remedy: `npm install --save-dev ${name}`,
        },
      );
    }
  }
}

async function download({ url, digest }: { url: string; digest: Digest }, path: string, send: typeof fetch) {
  await writeVerified(path, { digest, size: undefined, what: url }, async (offset) => {
    const unavailable = (detail: string, cause?: unknown) =>
      new GlowplugError('STORE_UNAVAILABLE', `expected ${url} to answer, ${detail}`, {
        cause,
        remedy: 'Look at the URL in the definition and at this machine’s network, then try again.',
      });
    const headers = { 'accept-encoding': 'identity', ...(offset > 0 ? { range: `bytes=${offset}-` } : {}) };
    const signal = AbortSignal.timeout(downloadMs);
    const response = await send(url, { headers, signal }).catch((cause: unknown) => {
      throw unavailable('the connection failed', cause);
    });
    const { status, body } = response;
    if (status !== (offset > 0 ? 206 : 200) || !body) {
      await body?.cancel();
      throw unavailable(`it answered ${status}`);
    }
    const size = Number(response.headers.get('content-length') ?? Number.NaN) + offset;
    if (!Number.isSafeInteger(size)) {
      await body.cancel();
      throw unavailable('it did not say how many bytes it sends (Content-Length)');
    }
    return { size, body };
  });
}

/** A gigabyte at 15 Mbit/s. */
const downloadMs = 600_000;
