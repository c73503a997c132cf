// Who may import whom (DESIGN: the house). A new folder or a new arrow is a decision, made here.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Folder under src → what it may import from src: folders, or single files. */
const mayImport: Record<string, readonly string[]> = {
  core: [],
  tensor: ['core'],
  onnx: ['core'],
  batch: ['core'],
  process: ['core', 'tensor'],
  models: ['core', 'onnx'],
  // session → batch: a batched session joins tensors, which src/batch may not know.
  session: ['core', 'tensor', 'models', 'batch'],
  protocol: ['core', 'tensor'],
  handler: ['core', 'tensor', 'process', 'batch', 'models', 'session', 'protocol', 'quality/record'],
  // Where answers go that nobody waits for; models for the one S3 location and its refusals.
  results: ['core', 'models'],
  // transform/outcome: an object's result has the same name, whoever drives the function.
  adapters: ['core', 'handler', 'results', 'transform/outcome'],
  // observe: what is told of a request when it is over.
  inference: ['adapters', 'handler', 'results', 'session', 'protocol', 'core', 'observe'],
  index: ['inference', 'handler', 'protocol', 'tensor', 'core'],
  // session: a pass is proven by running both models; constants are computed here, without a runtime. models/version: a start is
  // measured over the files that publishing would write.
  optimize: ['core', 'onnx', 'session', 'tensor', 'models/version'],
  release: ['optimize', 'models', 'onnx', 'core', 'session', 'tensor'],
  build: ['core', 'models'],
  testing: ['core', 'tensor', 'models', 'onnx', 'release', 'build', 'session', 'handler', 'adapters', 'index'],
  observe: ['core', 'tensor'],
  // optimize/confidence: how sure a share is, of a gate as of live traffic.
  quality: ['core', 'models', 'optimize/confidence'],
  // prepare.ts makes bundles and reads signatures before the first serving process starts, which loads neither.
  server: ['inference', 'handler', 'protocol', 'session', 'batch', 'models', 'observe', 'core', 'build', 'onnx'],
  // Its function comes as an argument: who serves it is the caller's matter.
  transform: ['core', 'models'],
  // session/budget: the count by which the pool admits a model is the one by which synth refuses it; it loads nothing.
  cdk: [
    'core/contract',
    'core/errors',
    'models/reference',
    'models/lock',
    'models/floor',
    'models/trusted-keys',
    'build',
    'session/budget',
    'observe/alarm-rule',
    'observe/burn-rate',
    'observe/queue-time',
    'quality/baseline',
    'testing/samples',
    'ops/golden/try-samples',
  ],
  // What constructs deploy beside the functions: thin handlers over the verbs.
  ops: ['core', 'models', 'quality', 'release', 'adapters/api-gateway', 'testing/samples'],
  cli: [
    'core',
    'tensor',
    'onnx',
    'models',
    'session',
    'release',
    'optimize',
    'build',
    'testing',
    'handler',
    'adapters',
    'index',
    'server',
    'observe',
    'quality',
    'transform',
    // The one signed request to an API of AWS.
    'ops/aws-api',
  ],
};

/** Packages that only these folders may load. */
const heavy: Record<string, readonly string[]> = {
  'aws-cdk-lib': ['cdk'],
  constructs: ['cdk'],
  esbuild: ['build'],
  'onnxruntime-node': ['session'],
  sharp: ['tensor'],
  '@grpc/grpc-js': ['server'],
  '@aws-sdk/client-s3': ['models'],
  'onnx-buf': ['onnx', 'optimize'],
  commander: ['cli'],
};

describe('architecture: who may import whom', () => {
  const files = sources(join(root, 'src'));

  it('every folder of src has its rule', () => {
    const folders = readdirSync(join(root, 'src')).map((name) => name.replace(/\.ts$/, ''));
    expect(folders.filter((name) => !(name in mayImport))).toEqual([]);
  });

  it.each(files)('%s imports only what its folder may', (file) => {
    const folder = relative(join(root, 'src'), join(root, file)).split('/')[0]!.replace(/\.ts$/, '');
    const allowed = mayImport[folder]!;
    const broken = imports(file).filter((target) => {
      if (target.startsWith('.')) {
        const inside = relative(join(root, 'src'), resolve(root, dirname(file), target)).replace(/\.ts$/, '');
        const other = inside.split('/')[0]!;
        return other !== folder && !allowed.includes(other) && !allowed.includes(inside);
      }
      if (target.startsWith('glowplug')) return true;
      const name = target
        .split('/')
        .slice(0, target.startsWith('@') ? 2 : 1)
        .join('/');
      return name in heavy && !heavy[name]!.includes(folder);
    });
    expect(broken).toEqual([]);
  });

  it('functions import glowplug by name, never cdk, aws-cdk-lib or onnxruntime-node', () => {
    const broken = sources(join(root, 'functions')).flatMap((file) =>
      imports(file)
        .filter(
          (target) =>
            /^(aws-cdk-lib|onnxruntime-node|glowplug\/(cdk|testing))/.test(target) || /(^|\/)src\//.test(target),
        )
        .map((target) => `${file}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('infra imports glowplug/cdk, aws-cdk-lib, constructs, cdk-nag and its own files', () => {
    const broken = sources(join(root, 'infra')).flatMap((file) =>
      imports(file)
        .filter((target) => !/^(\.\.?\/(?!src)|glowplug\/cdk$|aws-cdk-lib|constructs$|cdk-nag|node:)/.test(target))
        .map((target) => `${file}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('process.env is read in core/contract alone (the CLI and the local cloud pass an environment on)', () => {
    const readers = files.filter((file) => /process\.env/.test(readFileSync(join(root, file), 'utf8')));
    expect(readers.filter((file) => !/^src\/(core\/contract\.ts|testing\/|cli\/)/.test(file))).toEqual([]);
  });
});

function sources(folder: string): string[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) return name === 'node_modules' ? [] : sources(path);
      return name.endsWith('.ts') ? [relative(root, path)] : [];
    })
    .sort();
}

/** Module specifiers of static and dynamic imports; a type-only import loads nothing and is still an arrow. */
function imports(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
    .replace(/^\s*(\/\/|\*|\/\*).*$/gm, '')
    .replace(/`[^`]*`/g, '``');
  return [
    ...text.matchAll(
      /(?:^|[\s;}])(?:import|export)\s[^'";]*?from\s*'([^']+)'|import\(\s*'([^']+)'\s*\)|^import\s+'([^']+)'/gm,
    ),
  ].map((match) => (match[1] ?? match[2] ?? match[3])!);
}
