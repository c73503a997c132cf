// The things that glowplug needs of a machine, each with a way to look for it and a way to get it.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Finding } from './finding.ts';
import { functionNames } from './function-names.ts';
import { installed, loads, transforms } from './package-checks.ts';
import { findRunningCloud } from './running-cloud.ts';

/** `glowplug dev`'s first port; one for each function follows. */
const FIRST_PORT = 9000;
/** node_modules takes 1.0 GB; the local cloud's store, layers and caches a few hundred MB more. */
const FREE_GB = 2;

/** By what a person calls it. Each looks at the machine, changes nothing and never throws. `root` is the app's folder. */
export const machineChecks: Readonly<Record<string, (root: string) => Promise<Finding>>> = {
  node: async () => nodeFinding(process.version),
  npm: () => npm(),
  machine: async () => machineFinding(process.platform, process.arch),
  'onnxruntime-node': (root) => loads(root, 'onnxruntime-node', 'missing', 'npm i onnxruntime-node'),
  esbuild: (root) => loads(root, 'esbuild', 'missing', 'npm i esbuild', transforms),
  sharp: (root) => loads(root, 'sharp', 'advice', 'npm i sharp: functions that take images need it'),
  'aws-lambda-ric': (root) =>
    installed(root, 'aws-lambda-ric', 'missing', 'npm i -D --ignore-scripts aws-lambda-ric: the local cloud needs it'),
  fauxqs: (root) => installed(root, 'fauxqs', 'advice', 'npm i -D fauxqs@2: an app with queues needs it to run here'),
  'aws-cdk-lib': (root) =>
    installed(root, 'aws-cdk-lib', 'missing', 'npm i -D aws-cdk-lib constructs: the local cloud and deploying need it'),
  'aws-cdk': (root) => installed(root, 'aws-cdk', 'missing', 'npm i -D aws-cdk: deploying needs it'),
  ports: (root) => ports(root),
  disk: (root) => disk(root),
  'lock file': (root) => lockFile(root),
  'AWS credentials': async () => credentialsFinding(process.env, homedir()),
  docker: async () => ({ status: 'ok', found: 'not needed' }),
};

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  if (major === 24) return { status: 'ok', found: `${version}, as on Lambda` };
  const found = `${version}; Lambda runs v24`;
  if (major > 24 || (major === 22 && minor >= 18))
    return { status: 'advice', found, remedy: 'npm run … brings Node 24 along; elsewhere install it' };
  return {
    status: 'missing',
    found,
    remedy: 'in a clone, start glowplug through npx glowplug, which brings Node 24 along, or install Node 24',
  };
}

export function machineFinding(platform: string, arch: string): Finding {
  const found = `${platform} ${arch}`;
  const lambda = arch === 'arm64' ? 'arm64' : arch === 'x64' ? 'x86_64' : undefined;
  if (!lambda)
    return {
      status: 'missing',
      found,
      remedy: 'onnxruntime-node has binaries for x64 and arm64 only: use such a machine',
    };
  if (platform === 'linux') return { status: 'ok', found: `${found}: numbers are those of Lambda’s ${lambda}` };
  return { status: 'advice', found, remedy: `Lambda is Linux on ${lambda}: numbers may differ in their last digits` };
}

/** Only whether there are any, never what they are. */
export function credentialsFinding(env: Readonly<Record<string, string | undefined>>, home: string): Finding {
  const sources = [
    'AWS_ACCESS_KEY_ID',
    'AWS_PROFILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  ];
  const variable = sources.find((name) => env[name]);
  if (variable) return { status: 'ok', found: `${variable} is set` };
  const file = ['credentials', 'config'].find((name) => existsSync(join(home, '.aws', name)));
  if (file) return { status: 'ok', found: `~/.aws/${file} is there` };
  return { status: 'advice', found: 'none', remedy: 'aws configure, or aws login: only deploying needs them' };
}

async function npm(): Promise<Finding> {
  try {
    const { stdout } = await promisify(execFile)('npm', ['--version'], {
      timeout: 10_000,
      shell: process.platform === 'win32',
    });
    return { status: 'ok', found: stdout.trim() };
  } catch {
    return { status: 'missing', found: 'npm does not start', remedy: 'install Node with its npm' };
  }
}

async function ports(root: string): Promise<Finding> {
  if (await findRunningCloud(root)) return { status: 'ok', found: 'glowplug dev is running and has its ports' };
  const last = FIRST_PORT + functionNames(root).length;
  for (let port = FIRST_PORT; port <= last; port++) {
    if (await isFree(port)) continue;
    return {
      status: 'advice',
      found: `${port} is in use`,
      remedy: `end what listens there, or glowplug dev --port ${port + 100}`,
    };
  }
  return { status: 'ok', found: `${FIRST_PORT}–${last} are free` };
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

async function disk(root: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(root);
  const free = (bavail * bsize) / 1e9;
  const found = `${free.toFixed(1)} GB free`;
  if (free >= FREE_GB) return { status: 'ok', found };
  return {
    status: 'advice',
    found,
    remedy: `make room: a first start takes up to ${FREE_GB} GB; .glowplug/ and cdk.out/ can be deleted`,
  };
}

async function lockFile(root: string): Promise<Finding> {
  if (functionNames(root).length === 0) return { status: 'ok', found: 'no functions/ here, none needed' };
  try {
    const { checkLock } = await import('../release/write-lock.ts');
    const stale = await checkLock({ root });
    if (stale.length === 0) return { status: 'ok', found: 'models.lock.json is fresh' };
    return { status: 'missing', found: `stale: ${stale.join(', ')}`, remedy: 'glowplug lock, and commit the result' };
  } catch (error) {
    // Also what a definition in models/ throws by itself.
    const found = error instanceof Error ? error.message : String(error);
    return { status: 'missing', found, remedy: 'mend it, then glowplug lock' };
  }
}
