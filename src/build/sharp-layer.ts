// The layer that decodes images: sharp with libvips for one architecture.
import { join } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { fetchPackages } from './fetch-packages.ts';
import { findPackage, type InstalledPackage, layerFiles, requirePackage } from './installed-package.ts';
import { buildLayer, type Layer, type LayerOptions, nodeArch } from './layer.ts';
import { buildFolder, projectRoot } from './project.ts';

/**
 * Builds the sharp layer, 20 MB for either architecture. Binaries of the architecture that npm did not install here are
 * fetched once, and checked against package-lock.json's integrity. The same content gives the same digest.
 * Throws DEPENDENCY_MISSING when sharp is not installed or the registry cannot be reached.
 *
 * @example
 * const { path } = buildSharpLayer({ arch: 'x86_64' });
 */
export function buildSharpLayer(options: LayerOptions): Layer {
  const root = options.root ?? projectRoot();
  const sharp = requirePackage('sharp', root);
  const files = [
    ...layerFiles(sharp, /^(package\.json|LICENSE|dist\/[^/]+\.cjs)$/),
    ...dependencies(sharp).flatMap((found) => layerFiles(found, /^(?!bin\/)(.*\.c?js|package\.json|LICENSE(\.md)?)$/)),
    // The README of libvips names the licence of each library inside; it is the notice that travels.
    ...binaries(sharp, nodeArch(options.arch), root).flatMap((found) =>
      layerFiles(
        found,
        /^(package\.json|versions\.json|README\.md|LICENSE|index\.cjs|lib\/[^/]+\.(node|js|so\.[\d.]+))$/,
      ),
    ),
  ];
  return buildLayer('sharp', { ...options, root }, files);
}

/** All that it requires, at any depth, once each. */
function dependencies(of: InstalledPackage, seen = new Map<string, InstalledPackage>()): InstalledPackage[] {
  for (const name of of.dependencies) {
    if (seen.has(name)) continue;
    const found = requirePackage(name, of.folder);
    seen.set(name, found);
    dependencies(found, seen);
  }
  return [...seen.values()];
}

function binaries(sharp: InstalledPackage, arch: string, root: string): InstalledPackage[] {
  const wanted = [`@img/sharp-linux-${arch}`, `@img/sharp-libvips-linux-${arch}`].map((name) => {
    const version = sharp.optionalDependencies[name];
    if (version) return { name, version };
    throw new GlowplugError('DEPENDENCY_MISSING', `expected sharp ${sharp.version} to depend on ${name}, it does not`, {
      remedy: 'Install sharp 0.34 or later.',
    });
  });
  const installed = wanted.flatMap(({ name, version }) => {
    const found = findPackage(name, sharp.folder);
    return found?.version === version ? [found] : [];
  });
  if (installed.length === wanted.length) return installed;
  return fetchPackages(wanted, { root, cache: join(root, buildFolder, 'packages') });
}
