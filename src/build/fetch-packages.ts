// Fetches packages that npm did not install here because they are for another architecture.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GlowplugError, shorten } from '../core/errors.ts';
import { type InstalledPackage, readPackage } from './installed-package.ts';
import { sha256 } from './project.ts';

interface Wanted {
  readonly name: string;
  readonly version: string;
}

/**
 * npm itself fetches, checks and unpacks: a lock file that holds nothing but the wanted packages, with the integrity that
 * the project's own lock file gives them, goes to `npm ci`. Kept by that integrity, so a second call needs no network.
 */
export function fetchPackages(wanted: readonly Wanted[], options: { root: string; cache: string }): InstalledPackage[] {
  const packages = wanted.map((one) => ({ ...one, integrity: lockedIntegrity(one, options.root) }));
  const kept = join(options.cache, sha256(JSON.stringify(packages)).slice(0, 32));
  if (!existsSync(kept)) install(packages, kept, options.root);
  return packages.map(({ name }) => readPackage(join(kept, 'node_modules', name)));
}

/** Two minutes carry 20 MB over a slow line; a registry that does not answer must not hang a synth. */
const timeoutMs = 120_000;

function install(packages: readonly (Wanted & { integrity: string })[], into: string, root: string): void {
  const temporary = `${into}.${randomUUID()}`;
  try {
    mkdirSync(temporary, { recursive: true });
    const dependencies = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
    const head = { name: 'other-architecture', version: '0.0.0' };
    writeJson(join(temporary, 'package.json'), { ...head, dependencies });
    writeJson(join(temporary, 'package-lock.json'), {
      ...head,
      lockfileVersion: 3,
      packages: {
        '': { ...head, dependencies },
        ...Object.fromEntries(
          packages.map(({ name, version, integrity }) => [`node_modules/${name}`, { version, integrity }]),
        ),
      },
    });
    // A registry that the project sets is the one its packages come from.
    const npmrc = join(root, '.npmrc');
    if (existsSync(npmrc)) copyFileSync(npmrc, join(temporary, '.npmrc'));
    // --force: npm refuses packages of another cpu and os otherwise; it does not loosen the integrity check.
    const npm = spawnSync(
      'npm',
      ['ci', '--force', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--fetch-retries=1'],
      { cwd: temporary, encoding: 'utf8', timeout: timeoutMs, shell: process.platform === 'win32' },
    );
    if (npm.status !== 0) throw fetchError(packages, `${npm.error?.message ?? ''}\n${npm.stderr ?? ''}`);
    rmSync(join(temporary, '.npmrc'), { force: true });
    try {
      renameSync(temporary, into);
    } catch (error) {
      if (!existsSync(into)) throw error;
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function fetchError(packages: readonly Wanted[], output: string): GlowplugError {
  const names = packages.map(({ name, version }) => `${name}@${version}`).join(' and ');
  if (output.includes('EINTEGRITY')) {
    return new GlowplugError(
      'DIGEST_MISMATCH',
      `the registry’s bytes of ${names} are not those that package-lock.json names; they were not unpacked`,
      { remedy: 'Find out which of the two was changed; npm cache clean --force when it is the cache.' },
    );
  }
  const reason = /npm error code (\w+)/.exec(output)?.[1] ?? output.trim().split('\n')[0] ?? '';
  return new GlowplugError('DEPENDENCY_MISSING', `npm could not fetch ${names}: ${shorten(reason)}`, {
    remedy:
      'Build once where the npm registry is reachable (the result is kept under .glowplug), or deploy for the architecture of this machine.',
  });
}

function lockedIntegrity({ name, version }: Wanted, root: string): string {
  const path = join(root, 'package-lock.json');
  const versions = lockedPackages(path, name);
  const integrity = versions.find((entry) => entry.version === version)?.integrity;
  if (integrity?.startsWith('sha512-')) return integrity;
  throw new GlowplugError(
    'DEPENDENCY_MISSING',
    `expected ${name}@${version} with its sha512 integrity in ${path}, got ${shorten(versions.map((entry) => entry.version))}`,
    { remedy: 'npm install sharp, and commit package-lock.json; it names the binaries of every architecture.' },
  );
}

function lockedPackages(path: string, name: string): { version?: string; integrity?: string }[] {
  if (!existsSync(path)) return [];
  const lock: { packages?: Record<string, { version?: string; integrity?: string }> } = JSON.parse(
    readFileSync(path, 'utf8'),
  );
  return Object.entries(lock.packages ?? {})
    .filter(([key]) => key === `node_modules/${name}` || key.endsWith(`/node_modules/${name}`))
    .map(([, entry]) => entry);
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value));
}
