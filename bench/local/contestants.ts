// The local cloud, serverless-offline and lambda-local with the same handler, each as its documentation starts it. The others are
// installed by npm into a folder of their own under .glowplug/peers, never into this package.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalCloud } from 'glowplug/testing';
import { freePort } from '../../test/free-port.ts';
import { testApp } from '../../test/testing/app.ts';

/** Running: `ask` sends the event's body and gives status and text, `unsigned` the same without a signature. */
export interface Running extends AsyncDisposable {
  ask(does?: string): Promise<{ status: number; text: string }>;
  unsigned(): Promise<number>;
}

const root = join(import.meta.dirname, '../..');
const home = join(root, '.glowplug', 'peers', 'node-local');
const handlerSource = readFileSync(join(import.meta.dirname, 'plain-handler.mjs'), 'utf8');
const packages = ['serverless@3.40.0', 'serverless-offline@13.9.0', 'lambda-local@2.2.0'];

export const contestants: Readonly<Record<string, () => Promise<Running>>> = {
  'glowplug, started in this process': async () => {
    const app = testApp({});
    app.write('plain', handlerSource, { Timeout: 3 });
    const cloud = await startLocalCloud({ root: app.root });
    const plain = cloud.function('plain');
    return {
      ask: (does) => read(plain.fetch('/', post(does))),
      unsigned: async () => (await read(fetch(plain.url, post()))).status,
      async [Symbol.asyncDispose]() {
        await cloud[Symbol.asyncDispose]();
        app[Symbol.dispose]();
      },
    };
  },
  'serverless-offline 13.9.0': async () => {
    const [port, lambdaPort] = [await freePort(), await freePort()];
    const args = ['offline', 'start', '--host', '127.0.0.1', '--httpPort', `${port}`, '--lambdaPort', `${lambdaPort}`];
    return await served('serverless', [...args, '--noPrependStageInUrl'], port);
  },
  'lambda-local 2.2.0': async () => {
    const port = await freePort();
    return await served('lambda-local', ['-l', 'plain.mjs', '-h', 'handler', '-t', '3', '--watch', `${port}`], port);
  },
};

/** Installs what is missing, and writes the app that both others run. */
export function installContestants(): void {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  if (!existsSync(join(home, 'node_modules', '.bin', 'serverless'))) {
    execFileSync(
      'npm',
      ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--no-save', ...packages],
      {
        cwd: home,
        timeout: 300_000,
      },
    );
  }
  writeFileSync(join(home, 'plain.mjs'), handlerSource);
  const event = { httpApi: { method: 'POST', path: '/' } };
  const settings = {
    service: 'plain',
    frameworkVersion: '3',
    provider: { name: 'aws', runtime: 'nodejs20.x', timeout: 3, memorySize: 256 },
    plugins: ['serverless-offline'],
    functions: { plain: { handler: 'plain.handler', events: [event] } },
  };
  rmSync(join(home, 'serverless.yml'), { force: true });
  writeFileSync(join(home, 'serverless.json'), JSON.stringify(settings));
}

async function served(command: string, args: string[], port: number): Promise<Running> {
  const env = { ...process.env, SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off', AWS_ACCESS_KEY_ID: 'none' };
  const child = spawn(process.execPath, [join(home, 'node_modules', '.bin', command), ...args], {
    cwd: home,
    env,
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}/`;
  await untilListening(child, port);
  return {
    ask: (does) => read(fetch(url, post(does))),
    unsigned: async () => (await read(fetch(url, post()))).status,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** By connecting only: a request would already be the first one. */
async function untilListening(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 3000 && child.exitCode === null; tries++) {
    const socket = connect(port, '127.0.0.1');
    const up = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (up) return;
    await sleep(10);
  }
  child.kill('SIGKILL');
  throw new Error(`nothing listens at 127.0.0.1:${port}`);
}

const headers = { 'content-type': 'application/json' };
const post = (does = '') => ({ method: 'POST', headers, body: JSON.stringify({ does }) });

async function read(asked: Promise<Response>) {
  const response = await asked;
  return { status: response.status, text: await response.text() };
}
