// The image, without a builder: its Dockerfile is linted, its file list is assembled and started as each of its three hosts.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assemble } from '../../images/gpu/assemble.ts';
import iris from '../../models/iris.ts';
import { publish } from '../../src/models/publish.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { tag } from '../../src/models/tag.ts';
import { buildVersion } from '../../src/release/build-version.ts';
import { RuntimeApi } from '../../src/testing/runtime/runtime-api.ts';
import { freePort } from '../free-port.ts';
import { root } from '../root.ts';
import { grpcClient } from '../server/grpc-client.ts';
import { lintDockerfile } from './lint-dockerfile.ts';

const folder = join(root, 'images/gpu');
const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8');
const final = ['cpu', 'gpu'];

describe('images/gpu/Dockerfile', () => {
  it('keeps to the rules', () => {
    expect(lintDockerfile(dockerfile, final)).toEqual([]);
  });

  it.each([
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Docker's
    ['FROM ${NODE_IMAGE} AS build', 'FROM node:24 AS build', 'FROM names a stage, or an image by an argument'],
    ['ARG CUDA_IMAGE', 'ARG CUDA_IMAGE=nvidia/cuda:12', 'an image has no default: it is named by digest'],
    ['USER 65532:65532', 'USER root', 'cpu: USER is a number that is not root'],
    ['WORKDIR /opt/glowplug', 'RUN ["id"]', 'cpu: an image’s last stage only copies'],
    ['ENTRYPOINT ["/nodejs/bin/node", "entry.ts"]', 'ENTRYPOINT node entry.ts', 'ENTRYPOINT needs no shell'],
    ['["npm", "ci", "--ignore-scripts"', '["npm", "ci"', 'npm ci runs no scripts of packages'],
    ['["npm", "ci", ', '["npm", "install", ', 'npm ci installs what the lock file says'],
    ['COPY . .', 'ADD https://example.com/x /x', 'ADD checks what it fetches'],
    ['ENV NODE_ENV', 'ENV API_KEY=1 NODE_ENV', 'an image holds no secrets'],
    ['COPY --from=build ', 'COPY ', 'cpu: takes files of other stages alone'],
    ['AS gpu', 'AS other', 'no stage gpu'],
  ])('a rule bites: %s → %s', (good, bad, finding) => {
    expect(dockerfile).toContain(good);
    const found = lintDockerfile(dockerfile.replace(good, bad), final);
    expect(found.map((one) => one.replace(/^\d+: /, ''))).toContain(finding);
  });

  it('copies only what the repository has, past what must not be seen', () => {
    for (const [, path = ''] of dockerfile.matchAll(/^COPY (?!--from)(\S+)/gm))
      expect(existsSync(join(root, path))).toBe(true);
    const ignored = readFileSync(join(folder, 'Dockerfile.dockerignore'), 'utf8').split('\n');
    for (const path of ['.git', 'node_modules', '**/*.key.json']) expect(ignored).toContain(path);
  });

  it('refuses a base image without a digest', () => {
    const check = (NODE_IMAGE: string) => {
      const args = [join(folder, 'check-pins.ts'), 'NODE_IMAGE'];
      return () => execFileSync(process.execPath, args, { env: { ...process.env, NODE_IMAGE }, stdio: 'pipe' });
    };
    expect(check('node:24')).toThrow('expected NODE_IMAGE as image:tag@sha256');
    expect(check(`node:24@sha256:${'0'.repeat(64)}`)).not.toThrow();
  });
});

describe('what the image holds, started as a plain folder', () => {
  let temporary: string;
  let image: string;
  let env: Readonly<Record<string, string>>;
  beforeAll(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'glowplug-image-'));
    const dist = join(temporary, 'dist');
    const options = ['-p', 'tsconfig.build.json', '--outDir', dist, '--declaration', 'false'];
    const maps = ['--sourceMap', 'false', '--inlineSources', 'false'];
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', ...options, ...maps], { cwd: root });
    image = join(temporary, 'image');
    assemble({ root, dist, out: image });
    const store = join(temporary, 'store');
    await publish(folderStore(store), await buildVersion(iris, root));
    await tag(folderStore(store), 'iris', { from: '1.0.0', to: 'prod' });
    // What a container gives: nothing of the developer's own.
    const own = { TMPDIR: temporary, GLOWPLUG_STORE: store, GLOWPLUG_CACHE: join(temporary, 'cache') };
    env = { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', ...own };
  });
  afterAll(async () => await rm(temporary, { recursive: true }));

  function start(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
    const options = { cwd: image, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] as const };
    const child = spawn(process.execPath, ['entry.ts', ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    const ended = once(child, 'exit').then(() => {
      throw new Error(`it ended: ${errors}`);
    });
    ended.catch(() => {});
    return {
      child,
      ended,
      async line(): Promise<string> {
        for await (const line of createInterface(child.stdout)) return line;
        throw new Error(`it ended: ${errors}`);
      },
      [Symbol.asyncDispose]: () => end(child),
    };
  }

  it('has no bundler, no AWS SDK, no types, no tests, no install scripts, and a bill of materials of what it has', async () => {
    const packages = readdirSync(join(image, 'node_modules'));
    for (const absent of [
      'esbuild',
      '@aws-sdk',
      'aws-cdk-lib',
      'typescript',
      'vitest',
      'node-gyp',
      '@types',
      'yargs',
    ]) {
      expect(packages).not.toContain(absent);
    }
    const files = readdirSync(image, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /\.(d\.ts|map)$/.test(file) || /(darwin|win32)\//.test(file))).toEqual([]);
    expect(files.filter((file) => file.endsWith('.node')).every((file) => file.includes(process.arch))).toBe(true);
    const bill = JSON.parse(await readFile(join(image, 'sbom.cdx.json'), 'utf8'));
    const listed: string[] = bill.components.map(({ name }: { name: string }) => name);
    for (const name of ['onnxruntime-node', '@grpc/grpc-js', 'aws-lambda-ric']) expect(listed).toContain(name);
    console.log(`image: ${files.length} files, ${listed.length} packages in its bill of materials`);
  });

  it('an endpoint: a model of the store, over HTTP and gRPC', async () => {
    const args = ['--host', '127.0.0.1', '--port', '0', '--grpc-port', '0', '--json', '--model', 'iris:prod'];
    await using running = start(args);
    const { url, grpc } = JSON.parse(await running.line());
    const body = JSON.stringify({
      inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [5.1, 3.5, 1.4, 0.2] }],
    });
    const response = await fetch(`${url}/v2/models/iris/infer`, { method: 'POST', body });
    expect(Object(await response.json()).outputs[0].data).toEqual([0]);
    const client = grpcClient(Number(grpc.split(':')[1]));
    expect((await client.call('ServerReady')).answer).toEqual({ ready: true });
    client.close();
  });

  it('SageMaker: the argument serve, /ping and /invocations on the port that it names', async () => {
    await using running = start(['serve'], {
      SAGEMAKER_BIND_TO_PORT: `${await freePort()}`,
      GLOWPLUG_FUNCTION: 'iris',
    });
    let text = '';
    for await (const line of createInterface(running.child.stdout!)) {
      text += line;
      if (line.includes('ready at')) break;
    }
    const port = /:(\d+)/.exec(text)?.[1];
    expect((await fetch(`http://127.0.0.1:${port}/ping`)).status).toBe(200);
    const sample = await readFile(join(root, 'functions/iris/request.json'), 'utf8');
    const headers = { 'content-type': 'application/json' };
    const invoked = await fetch(`http://127.0.0.1:${port}/invocations`, { method: 'POST', body: sample, headers });
    expect([invoked.status, Object(await invoked.json()).class]).toEqual([200, 'setosa']);
  });

  it('Lambda: the runtime client answers an invocation', async () => {
    await using host = await runtimeHost();
    await using running = start([], { ...lambda, AWS_LAMBDA_RUNTIME_API: host.api.address });
    expect(await host.ask(running, 'r-1')).toMatchObject({ class: 'setosa' });
  });

  it('Lambda Managed Instances: asks for requests when its models are open, takes many at once, says where they run', async () => {
    await using host = await runtimeHost();
    const managed = {
      AWS_LAMBDA_INITIALIZATION_TYPE: 'lambda-managed-instances',
      AWS_LAMBDA_LOG_FORMAT: 'JSON',
      AWS_LAMBDA_MAX_CONCURRENCY: '8',
      AWS_LAMBDA_NODEJS_WORKER_COUNT: '1',
    };
    await using running = start([], { ...lambda, ...managed, AWS_LAMBDA_RUNTIME_API: host.api.address });
    let log = '';
    running.child.stdout?.on('data', (chunk) => {
      log += chunk;
    });
    await Promise.race([host.asked(), running.ended]);
    expect(log).toContain('a model was opened');
    expect(log).toMatch(/"provider":"(cpu|cuda|tensorrt)"/);
    const answers = await Promise.all(['r-1', 'r-2', 'r-3', 'r-4'].map((id) => host.ask(running, id)));
    for (const answer of answers) expect(answer).toMatchObject({ class: 'setosa' });
  });
});

const lambda = {
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769',
  AWS_LAMBDA_FUNCTION_NAME: 'iris',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/iris',
  AWS_LAMBDA_LOG_STREAM_NAME: 'here',
  GLOWPLUG_FUNCTION: 'iris',
};

/** Lambda's side: events go out, answers come in. */
async function runtimeHost() {
  const asked = Promise.withResolvers<void>();
  const answers = new Map<string, PromiseWithResolvers<string>>();
  const fault = Promise.withResolvers<never>();
  const failed = (payload: Uint8Array) => fault.reject(new Error(Buffer.from(payload).toString()));
  const api = await RuntimeApi.open({
    onNext: () => asked.resolve(),
    onResponse: (id, payload) => answers.get(id)?.resolve(Buffer.from(payload).toString()),
    onError: (_id, payload) => failed(payload),
    onStream: () => failed(Buffer.from('a stream')),
    onTooLarge: () => failed(Buffer.from('too large')),
    onInitError: failed,
  });
  return {
    api,
    asked: () => Promise.race([asked.promise, fault.promise]),
    async ask({ ended }: { readonly ended: Promise<never> }, requestId: string): Promise<unknown> {
      const answer = Promise.withResolvers<string>();
      answers.set(requestId, answer);
      const payload = await readFile(join(root, 'functions/iris/request.json'));
      const given = { functionArn: 'arn:aws:lambda:us-east-1:1:function:iris', traceId: 't', clientContext: undefined };
      await Promise.race([this.asked(), ended]);
      api.deliver({ requestId, payload, deadline: Date.now() + 20_000, ...given });
      return JSON.parse(await Promise.race([answer.promise, fault.promise, ended]));
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
