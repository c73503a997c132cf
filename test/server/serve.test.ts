// glowplug serve, whole: real processes, real onnxruntime, signals.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveCommand } from '../../src/cli/serve.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { publishAll } from '../../src/release/index.ts';
import { runCommand } from '../cli/run-command.ts';
import type { Ended } from '../observe/tracing.ts';
import { root } from '../root.ts';
import { busyModel } from '../session/busy-model.ts';
import { grpcClient } from './grpc-client.ts';
import { isAlive, serveProcess, watchReadiness } from './serve-process.ts';
import { handler } from './supervised.ts';

const irisFile = join(root, 'models/iris/iris.onnx');
const flower = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [5.1, 3.5, 1.4, 0.2] }] });

describe('glowplug serve', () => {
  let folder: string;
  let busyFile: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-serve-test-'));
    busyFile = join(folder, 'Busy Model.v2.onnx');
    await writeFile(busyFile, busyModel());
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  const busy = (n: number) =>
    JSON.stringify({
      inputs: [
        { name: 'n', shape: [1], datatype: 'INT64', data: [n] },
        { name: 'x', shape: [64, 64], datatype: 'FP32', data: new Array(4096).fill(0.1) },
      ],
    });
  const post = async (url: string, body: string) => await fetch(url, { method: 'POST', body });

  it('serves any .onnx file by its name, and drains under load: 50 accepted requests are all answered, then exit 0', async () => {
    const spans = join(folder, 'spans.jsonl');
    const tracing = pathToFileURL(join(root, 'test/observe/tracing-to-file.ts')).href;
    await using serving = serveProcess([irisFile, busyFile, '--grpc-port', '0', '--batch', '100'], {
      NODE_OPTIONS: `--import=${tracing}`,
      SPANS: spans,
    });
    const { url, grpc, models } = await serving.ready();
    const client = grpcClient(Number(grpc?.split(':')[1]));
    const contents = { fp32_contents: [5.1, 3.5, 1.4, 0.2] };
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 4], contents }];
    const { answer: byGrpc } = await client.call('ModelInfer', { model_name: 'iris', inputs });
    expect(byGrpc.outputs[0]).toMatchObject({ name: 'class', contents: { int64_contents: ['0'] } });
    client.close();
    expect(models).toMatchObject({
      iris: { inputs: { x: { datatype: 'FP32', shape: ['N', 4] } } },
      'busy-model.v2': {},
    });
    const answer = await (await post(`${url}/v2/models/iris/infer`, flower)).json();
    expect(answer).toMatchObject({
      model_name: 'iris',
      outputs: [{ name: 'class', data: [0] }, { name: 'probabilities' }],
    });

    const requests = Array.from({ length: 50 }, () => post(`${url}/v2/models/busy-model.v2/infer`, busy(400)));
    const settled = Promise.allSettled(requests);
    let waiting = 0;
    const arrived = async () => {
      waiting = (await metric(url, 'glowplug_requests_in_flight')) - 1;
      return waiting + (await metric(url, 'glowplug_requests_total{unit="models",status="200"}')) >= 51;
    };
    await expect.poll(arrived, { timeout: 10_000, interval: 10 }).toBe(true);
    serving.child.kill('SIGTERM');
    const statuses = (await settled).map((one) => (one.status === 'fulfilled' ? one.value.status : `${one.reason}`));
    expect(statuses).toEqual(Array(50).fill(200));
    expect((await serving.ended()).code).toBe(0);
    expect(waiting).toBeGreaterThan(0);
    // Its tracer provider has them all, and was told to hand them on.
    const lines = (await readFile(spans, 'utf8')).trim().split('\n');
    const told = lines.map((line): Ended & { inThread?: boolean } => JSON.parse(line));
    expect(told.filter(({ kind }) => kind === 1)).toHaveLength(52);
    expect(told.at(-1)).toEqual({ name: 'flushed' });
    expect(told.filter(({ inThread }) => inThread)).toEqual([]);
    console.log(`drain under load: 50 of 50 accepted requests answered, ${waiting} of them after SIGTERM`);
  });

  it('survives a run that is stuck: who waits gets 503, readiness drops, and the next process answers on the same port', async () => {
    await using serving = serveProcess([busyFile, '--run-limit', '1']);
    const first = await serving.ready();
    const readiness = watchReadiness(first.url);
    const waiting = Array.from({ length: 8 }, () => post(first.url, busy(1e9)));
    const refused = await Promise.all(waiting);
    expect(refused.map((one) => one.status)).toEqual(Array(8).fill(503));
    expect(await refused[0]!.json()).toMatchObject({ code: 'SESSION_LOST' });
    const second = await serving.ready();
    expect(second.url).toBe(first.url);
    expect(second.pid).not.toBe(first.pid);
    expect((await post(second.url, busy(1))).status).toBe(200);
    expect(await readiness.seen()).toEqual(['ready', 'not ready', 'ready']);
    serving.child.kill('SIGINT');
    const { code, stderr } = await serving.ended();
    expect(code).toBe(0);
    expect(stderr).toContain('expected a run of at most 1000 ms');
  });

  it('hosts functions and models of a store; kill -9 is survived, even with the store gone; nobody outlives the supervisor', async () => {
    const store = join(folder, 'store');
    await publishAll({ root, store: folderStore(store), as: 'prod' });
    const env = { GLOWPLUG_STORE: store, GLOWPLUG_CACHE: join(folder, 'cache'), TMPDIR: folder };
    await using serving = serveProcess(
      ['functions/iris', '--model', 'iris:prod', '--model', 'ppocr-cls:prod', '--sagemaker', '--host', '127.0.0.1'],
      env,
    );
    const { url, pid, functions } = await serving.ready();
    expect(functions).toEqual({ iris: `${url}/iris/` });
    const sample = await readFile(join(root, 'functions/iris/request.json'), 'utf8');
    const data = new Array(3 * 48 * 192).fill(0);
    const line = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 3, 48, 192], datatype: 'FP32', data }] });
    const ask = async () => [
      (await fetch(`${url}/ping`)).status,
      (await post(`${url}/v2/models/iris/infer`, flower)).status,
      // Published as a graph and its weights.
      (await post(`${url}/v2/models/ppocr-cls/infer`, line)).status,
      (await fetch(`${url}/iris/`, { method: 'POST', body: sample, headers: { 'content-type': 'application/json' } }))
        .status,
    ];
    expect(await ask()).toEqual([200, 200, 200, 200]);
    expect(await metric(url, 'nv_inference_exec_count{model="ppocr-cls"}')).toBe(1);
    await rm(store, { recursive: true });
    process.kill(pid, 'SIGKILL');
    const { pid: next } = await serving.ready();
    expect(await ask()).toEqual([200, 200, 200, 200]);

    // Without a supervisor nobody would start the next one: the serving process drains and ends by itself.
    serving.child.kill('SIGKILL');
    await expect.poll(() => isAlive(next), { timeout: 10_000 }).toBe(false);
  });

  const patientBundle = async (name: string) => {
    const bundle = join(folder, name);
    await mkdir(bundle);
    const waits = `if (request.url.endsWith('/wait')) { console.log('asked'); await new Promise(() => {}); } return new Response();`;
    await writeFile(join(bundle, 'index.js'), handler(waits));
    return bundle;
  };

  it('a terminal that closes ends it as any signal does: drained, and nothing left behind', async () => {
    const bundle = await patientBundle('hangup');
    await using serving = serveProcess([bundle, '--drain', '1'], { TMPDIR: bundle });
    const { url, pid } = await serving.ready();
    const left = async () => (await readdir(bundle)).filter((name) => name.startsWith('glowplug-serve-'));
    expect(await left()).toHaveLength(1);
    const waiting = fetch(`${url}/wait`).then(({ status }) => status);
    await serving.says('asked');
    // It reaches all processes of the terminal, and what they write is an error from then on.
    serving.child.stderr?.destroy();
    process.kill(pid, 'SIGHUP');
    serving.child.kill('SIGHUP');
    expect(await waiting).toBe(503);
    const { code } = await serving.ended();
    expect([code, await left(), isAlive(pid)]).toEqual([0, [], false]);
  });

  it('says what it waits for when it ends, and at a second signal waits no more; what npx passes on is no second one', async () => {
    await using serving = serveProcess([await patientBundle('twice')]);
    const { url } = await serving.ready();
    const waiting = fetch(`${url}/wait`);
    await serving.says('asked');
    serving.child.kill('SIGINT');
    await new Promise((later) => setTimeout(later, 50));
    serving.child.kill('SIGINT');
    await serving.says('· waiting for the answers under way, at most 25 s; Ctrl-C again ends at once');
    serving.child.kill('SIGINT');
    expect([(await waiting).status, await (await waiting).json()]).toMatchObject([503, { code: 'SERVER_BUSY' }]);
    expect((await serving.ended()).code).toBe(0);
  });

  it('says that the port is taken, and exits 1', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await using serving = serveProcess([irisFile, '--port', `${port}`]);
    const { code, stderr } = await serving.ended();
    other.close();
    expect([code, JSON.parse(stderr)]).toEqual([
      1,
      {
        error: `expected port ${port} of 127.0.0.1 to be free: another program listens on it`,
        code: 'CONFIG_INVALID',
        remedy: 'End the program that listens there, or choose another port with --port.',
      },
    ]);
  });

  it.each([
    [
      '--batch with functions alone',
      ['functions/iris', '--batch', '50'],
      'expected an .onnx file or --model with --batch',
    ],
    ['--on-demand with functions alone', ['--on-demand'], 'expected an .onnx file or --model with --on-demand'],
    ['an origin without its scheme', ['--cors', 'app.example'], 'Expected * or an origin as browsers send it'],
    ['an origin with a path', ['--cors', 'https://app.example/'], 'Expected * or an origin as browsers send it'],
  ])('refuses what would do nothing: %s', async (_name, args, message) => {
    let said = '';
    const command = serveCommand()
      .exitOverride()
      .configureOutput({ writeErr: (text) => (said += text) });
    await runCommand(command, ...args).catch(() => {});
    expect(said).toContain(message);
  });

  it.each([
    ['a file that is not there', ['nothing.onnx'], 'expected an .onnx file at nothing.onnx, found none'],
    ['a file that is no model', ['package.json.onnx'], 'expected an ONNX model'],
    [
      'a folder that is no function',
      ['models/iris'],
      'a function or a bundle, got models/iris: a folder of iris.onnx, ',
    ],
    ['a folder that is not there', ['functions/nope'], 'a function or a bundle, got functions/nope: nothing is there'],
    ['keys that are none', ['--api-keys', '/dev/null', irisFile], 'expected a key a line in /dev/null, it holds none'],
    ['one model twice', [irisFile, irisFile], 'expected each model once, got iris twice'],
    [
      'a provider of a model that is not there',
      ['--provider', 'rec=cuda', irisFile],
      'expected --provider of a model that is served, got rec',
    ],
    ['a model that no store has', ['--store', root, '--model', 'nobody:prod'], 'which has no such model'],
  ])('says in one message why it cannot serve %s', async (_name, args, message) => {
    const files = args.map((arg) => (arg === 'package.json.onnx' ? join(folder, arg) : arg));
    await writeFile(join(folder, 'package.json.onnx'), '{}');
    const { exitCode, stderr } = await runCommand(serveCommand(), ...files);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
    expect(exitCode).toBe(1);
  });
});

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1),
  );
}
