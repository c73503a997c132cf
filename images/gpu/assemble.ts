// What the image holds, as a plain folder: the compiled package, the functions' bundles, the packages that serving them loads,
// and a list of these. The image's last stages only copy it; a test starts it as it is.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { bundleFunction, findFunctions } from 'glowplug/build';

export interface AssembleOptions {
  /** The project, installed. */
  readonly root: string;
  /** The compiled package. @default dist under the root */
  readonly dist?: string;
  readonly out: string;
  readonly arch?: string;
}

/** What serving loads, of all that glowplug depends on: no bundler, no AWS SDK, no CDK. */
const served = [
  'onnxruntime-node',
  '@middy/core',
  '@bufbuild/protobuf',
  'onnx-buf',
  'aws4fetch',
  'commander',
  'picocolors',
  // Optional peers: gRPC, Lambda's runtime, and images where the project has sharp.
  '@grpc/grpc-js',
  'aws-lambda-ric',
  'sharp',
];

/** Of packages that carry more than what runs: the platforms' binaries, the sources of a native addon. */
const parts: Readonly<Record<string, (path: string, arch: string) => boolean>> = {
  'onnxruntime-node': (path, arch) =>
    /^(dist|package\.json|LICENSE)/.test(path) || path.startsWith(`bin/napi-v6/linux/${arch}`),
  'aws-lambda-ric': (path) => /^(index\.mjs|package\.json|LICENSE|NOTICE|THIRD-PARTY-LICENSES)/.test(path),
};

/** What only installing or developing needs, by whoever asks for it: fetching and building native parts, a command, types. */
const unserved = ['adm-zip', 'global-agent', 'node-addon-api', 'node-gyp', 'yargs', '@types/node'];

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      { readonly dependencies?: Record<string, string>; readonly optionalDependencies?: Record<string, string> }
    >
  >;
}

export function assemble({ root, dist = join(root, 'dist'), out, arch = process.arch }: AssembleOptions): string[] {
  mkdirSync(out, { recursive: true });
  cpSync(dist, join(out, 'dist'), { recursive: true, filter: (path) => !/\.(d\.ts|map)$/.test(path) });
  cpSync(join(import.meta.dirname, 'entry.ts'), join(out, 'entry.ts'));
  cpSync(join(root, 'LICENSE'), join(out, 'LICENSE'));
  for (const { name, entry } of findFunctions(root)) {
    // With threads for its sessions, which Lambda's runtime client has no others for.
    cpSync(bundleFunction({ entry, root, sessionThreads: true }).path, join(out, 'functions', name), {
      recursive: true,
      filter: (path) => !path.endsWith('.map'),
    });
  }
  const packages = closureOf(root);
  for (const path of packages) copyPackage(root, path, out, arch);
  writeManifest(root, out);
  return packages;
}

/** Paths of the packages in node_modules, as npm would find them from one another. */
function closureOf(root: string): string[] {
  const { packages }: Lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const found = new Set<string>();
  const visit = (name: string, from: string) => {
    if (unserved.includes(name)) return;
    const path = lookUp(packages, name, from);
    if (path === undefined || found.has(path) || !existsSync(join(root, path))) return;
    found.add(path);
    const { dependencies = {}, optionalDependencies = {} } = packages[path] ?? {};
    for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) visit(next, path);
  };
  for (const name of served) visit(name, '');
  return [...found].sort();
}

function lookUp(packages: Lock['packages'], name: string, from: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
    if (packages[path]) return path;
    if (at === '') return undefined;
  }
}

function copyPackage(root: string, path: string, out: string, arch: string): void {
  const folder = join(root, path);
  const only = parts[path.slice('node_modules/'.length)];
  cpSync(folder, join(out, path), {
    recursive: true,
    dereference: true,
    filter(file) {
      const inside = relative(folder, file);
      if (inside === '') return true;
      // Nested packages are visited by themselves.
      if (/(^|\/)node_modules$/.test(inside) || /\.(map|d\.[cm]?ts)$/.test(inside)) return false;
      if (inside === 'package.json') return false;
      return !only || only(inside, arch) || 'bin/napi-v6/linux'.startsWith(inside);
    },
  });
  writeDependencies(folder, join(out, path));
}

/** Its manifest names what is here with it, so that the bill does. */
function writeDependencies(folder: string, to: string): void {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const name of unserved) delete manifest.dependencies?.[name];
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The package without what only developing it needs, and the bill of materials of what is here. */
function writeManifest(root: string, out: string): void {
  const { name, version, license, type, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const installed = served.filter((one) => existsSync(join(out, 'node_modules', one)));
  const versions = installed.map((one) => [
    one,
    JSON.parse(readFileSync(join(out, 'node_modules', one, 'package.json'), 'utf8')).version,
  ]);
  const manifest = { name, version, license, type, exports, private: true, dependencies: Object.fromEntries(versions) };
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  const bill = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application'];
  writeFileSync(join(out, 'sbom.cdx.json'), execFileSync('npm', bill, { cwd: out, encoding: 'utf8' }));
}

if (import.meta.main) {
  const [out = ''] = process.argv.slice(2);
  const packages = assemble({ root: resolve(import.meta.dirname, '../..'), out: resolve(out) });
  console.log(`${out}: ${packages.length} packages`);
}
