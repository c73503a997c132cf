// LitServe, BentoML and MLServer over the same model, each in a virtual environment of its own under .glowplug/peers. Installing them
// takes minutes and a network, so they are asked for: GLOWPLUG_BENCH_PEERS=1.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/free-port.ts';

const root = join(import.meta.dirname, '../..');
const apps = join(import.meta.dirname, 'peers');

interface Peer {
  readonly name: string;
  readonly packages: readonly string[];
  readonly path: string;
  /** Command and arguments in the environment's bin. */
  start(given: Given): {
    readonly command: string;
    readonly args: readonly string[];
    readonly env: Record<string, string>;
  };
}

interface Given extends Share {
  readonly model: string;
  readonly port: number;
  readonly folder: string;
}

export interface Share {
  /** Threads of a run, and processes that run. */
  readonly threads: number;
  readonly workers: number;
  /** Most rows that its own batching puts into a run; undefined: it does not batch. BentoML then takes `{ x: rows }`. */
  readonly batch?: number;
}

/** How long their batching waits for more, in seconds. */
const batchWindow = 0.005;

const runtime = ['onnxruntime==1.32.0', 'numpy==2.4.6'];

const peers: readonly Peer[] = [
  {
    name: 'LitServe',
    packages: ['litserve==0.2.19', ...runtime],
    path: '/predict',
    start: ({ model, port, threads, workers, batch = 1 }) => ({
      command: 'python',
      args: [join(apps, 'litserve_app.py'), model, ...[port, threads, workers, batch, batchWindow].map(String)],
      env: {},
    }),
  },
  {
    name: 'BentoML',
    packages: ['bentoml==1.4.40', ...runtime],
    path: '/predict',
    start: ({ model, port, threads, workers, batch }) => ({
      command: 'bentoml',
      args: [
        'serve',
        batch ? 'bentoml_app:Batched' : 'bentoml_app:Api',
        '--working-dir',
        apps,
        '--host',
        '127.0.0.1',
        '--port',
        `${port}`,
      ],
      env: {
        BENCH_MODEL: model,
        BENCH_THREADS: `${threads}`,
        BENCH_WORKERS: `${workers}`,
        ...(batch ? { BENCH_BATCH: `${batch}` } : {}),
        BENTOML_DO_NOT_TRACK: 'True',
      },
    }),
  },
  {
    name: 'MLServer',
    // Its workers ask for an event loop that later ones do not make by themselves.
    packages: ['mlserver==1.7.1', 'uvloop==0.21.0', ...runtime],
    path: '/v2/models/model/infer',
    start({ model, port, folder, threads, workers, batch }) {
      copyFileSync(join(apps, 'mlserver_app.py'), join(folder, 'mlserver_app.py'));
      const settings = {
        name: 'model',
        implementation: 'mlserver_app.Onnx',
        parameters: { uri: model, extra: { threads } },
        ...(batch ? { max_batch_size: batch, max_batch_time: batchWindow } : {}),
      };
      writeFileSync(join(folder, 'model-settings.json'), JSON.stringify(settings));
      const ports = { http_port: port, grpc_port: port + 1, metrics_port: port + 2, host: '127.0.0.1' };
      writeFileSync(
        join(folder, 'settings.json'),
        JSON.stringify({ ...ports, parallel_workers: workers, debug: false }),
      );
      return { command: 'mlserver', args: ['start', folder], env: {} };
    },
  },
];

export interface RunningPeer extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  readonly body: string;
}

/** Those that start, and why the others do not. `body` is a request that they answer with 200 once they are ready. */
export async function startPeers(
  model: string,
  folder: string,
  body: string | ((peer: string) => string),
  share: Share = { threads: 1, workers: 2 },
) {
  const running: RunningPeer[] = [];
  const missing: string[] = [];
  if (process.env['GLOWPLUG_BENCH_PEERS'] !== '1')
    return { running, missing: ['GLOWPLUG_BENCH_PEERS=1 was not given'] };
  for (const peer of peers) {
    try {
      running.push(await startPeer(peer, model, folder, typeof body === 'string' ? body : body(peer.name), share));
    } catch (error) {
      missing.push(`${peer.name}: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    }
  }
  return { running, missing };
}

async function startPeer(peer: Peer, model: string, folder: string, body: string, share: Share): Promise<RunningPeer> {
  const bin = install(peer);
  const own = join(folder, peer.name);
  mkdirSync(own);
  const port = await freePort();
  const { command, args, env } = peer.start({ model, port, folder: own, ...share });
  const child = spawn(join(bin, command), args, {
    cwd: own,
    env: { ...process.env, ...env },
    stdio: 'ignore',
    detached: true,
  });
  const url = `http://127.0.0.1:${port}${peer.path}`;
  const headers = { 'content-type': 'application/json' };
  for (let attempt = 0; attempt < 120; attempt++) {
    const answer = await fetch(url, { method: 'POST', body, headers }).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok) return { name: peer.name, port, path: peer.path, body, [Symbol.asyncDispose]: () => end(child) };
    if (child.exitCode !== null) break;
    await sleep(500);
  }
  await end(child);
  throw new Error('it did not answer within a minute');
}

/** Asked to end, so that it ends workers in groups of their own; what is left of its own group is killed. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await Promise.race([exit, sleep(15_000)]);
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nothing is left of it.
  }
  await exit;
}

function install({ name, packages }: Peer): string {
  const home = join(root, '.glowplug/peers', `endpoint-${name.toLowerCase()}`);
  const bin = join(home, 'bin');
  if (!existsSync(bin)) execFileSync('python3', ['-m', 'venv', home], { stdio: 'pipe' });
  execFileSync(join(bin, 'pip'), ['install', '--quiet', ...packages], { stdio: 'pipe', timeout: 900_000 });
  return bin;
}
