// Every npm script comes through here. Plain JavaScript that Node 20 runs before anything is installed:
// it installs what the lock file says, then goes on under Lambda's own Node.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = ['--conditions=glowplug-source', '--disable-warning=ExperimentalWarning'];
const vitest = [...source, 'node_modules/vitest/vitest.mjs', 'run'];

const commands = {
  start: [[...source, 'src/cli/main.ts', 'dev']],
  test: [vitest],
  'test:long': [[...vitest, '--testTimeout=1800000']],
  'test:peers': [[...vitest, 'test/peers']],
  'test:aws': [[...vitest, 'test/aws']],
  build: [
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
    ['scripts/build-page.mjs'],
    [...source, 'esbuild.config.ts'],
  ],
  check: [
    ['node_modules/@biomejs/biome/bin/biome', 'check', '.'],
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.page.json'],
    [
      'node_modules/oxlint/bin/oxlint',
      '--type-aware',
      '--quiet',
      'src',
      'functions',
      'infra',
      'models',
      'layers',
      'images',
      'test',
      'bench',
    ],
  ],
  bench: [[...source, 'bench/main.ts']],
  docs: [[...source, 'scripts/docs.ts']],
  glowplug: [[...source, 'src/cli/main.ts']],
  deploy: [[...source, 'src/cli/main.ts', 'deploy']],
  synth: [[...source, 'infra/app.ts']],
};

const [name, ...rest] = process.argv.slice(2);
const steps = commands[name];
if (!steps) {
  console.error(`expected one of ${Object.keys(commands).join(', ')}, got ${name ?? 'nothing'}`);
  process.exit(2);
}
install();
linkCommand();
const node = lambdaNode();
const env = {
  ...process.env,
  PATH: [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
  // A third of a synth is compiling aws-cdk-lib.
  NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node'),
  ...(name === 'test:long' ? { GLOWPLUG_TEST_LONG: '1' } : {}),
};
for (const [index, step] of steps.entries()) {
  const last = index === steps.length - 1;
  const code = await runNode(last ? [...step, ...rest] : step);
  if (code !== 0) process.exit(code);
}

/** `npm ci` when node_modules is not what this lock file says, whoever installed it. */
function install() {
  if (isInstalled()) return;
  console.error('glowplug: installing what package-lock.json says (once) …');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    console.error(`glowplug: npm ci ended with ${npm.status ?? npm.error?.message}. Is the npm registry reachable?`);
    process.exit(1);
  }
}

/** npm links the commands of what it installs, not the package's own. */
function linkCommand() {
  const link = join(root, 'node_modules', '.bin', 'glowplug');
  if (process.platform === 'win32' || existsSync(link)) return;
  try {
    symlinkSync(join('..', '..', 'scripts', 'glowplug.mjs'), link);
  } catch (error) {
    // Another process was as quick, or nobody may write there: `npm run glowplug` goes on.
    if (!['EEXIST', 'EACCES', 'EROFS'].includes(error.code)) throw error;
  }
}

/** npm writes node_modules/.package-lock.json last, so half an install does not count. Optional ones may be another platform's. */
function isInstalled() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const there = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, link, optional }]) =>
      path === '' || link || (there[path] ? there[path].version === version : optional === true),
  );
}

/** The Node that Lambda's nodejs24.x runs, from npm; the one at hand where npm has none for this platform. */
function lambdaNode() {
  const names = [
    `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
  ];
  for (const platform of names) {
    for (const folder of [join(root, 'node_modules'), join(root, 'scripts', 'node', 'node_modules')]) {
      const binary = join(folder, platform, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
      if (existsSync(binary)) return binary;
    }
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  console.error(
    `glowplug: no Node 24 for ${process.platform} ${process.arch} on npm, and this is ${process.version}: install Node 24.`,
  );
  process.exit(1);
}

/** Runs one step and answers its exit code; a signal for us is a signal for it, so that it can clean up. */
function runNode(args) {
  return new Promise((resolve) => {
    const child = spawn(node, args, { cwd: root, env, stdio: 'inherit' });
    const forward = (signal) => child.kill(signal);
    process.on('SIGINT', forward);
    process.on('SIGTERM', forward);
    child.on('close', (code, signal) => {
      process.off('SIGINT', forward);
      process.off('SIGTERM', forward);
      resolve(signal ? 1 : (code ?? 1));
    });
  });
}
