// The local cloud around the functions: its start, its reload, its end, and what it says when it cannot.

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ListBucketsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { asDiskError } from '../../src/testing/disk-error.ts';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../src/testing/index.ts';
import { listen } from '../../src/testing/listen.ts';
import { root } from '../root.ts';
import { type TestApp, testApp } from './app.ts';

const echo = `export const handler = async (event) => ({
  statusCode: 200, body: JSON.stringify({ version: 1, path: event.rawPath, body: event.body }),
});`;

const start = (app: TestApp, options: LocalCloudOptions = {}) => startLocalCloud({ root: app.root, ...options });

describe('a running local cloud', () => {
  it('has the functions and the buckets of the template', async () => {
    using app = testApp({ b: echo, a: echo });
    await using cloud = await start(app);
    expect(cloud.functions).toEqual(['a', 'b']);
    expect(cloud.stores).toEqual(['a-models']);
    const { credentials, region, s3Endpoint: endpoint } = cloud;
    const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    const { Buckets } = await s3.send(new ListBucketsCommand());
    s3.destroy();
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['a-models']);
  });

  it('answers signed requests to a function’s URL, and refuses others', async () => {
    using app = testApp({ echo });
    await using cloud = await start(app);
    const { url } = cloud.function('echo');
    const signed = await cloud.function('echo').fetch('/some/path?x=1', { method: 'POST', body: 'hi' });
    expect(await signed.json()).toMatchObject({ version: 1, path: '/some/path', body: 'hi' });
    expect((await fetch(url)).status).toBe(403);
  });

  it('invokes a function directly, and throws what it threw', async () => {
    using app = testApp({
      sum: 'export const handler = async ({ a, b }) => { if (a === undefined) throw new Error("no a"); return a + b; };',
    });
    await using cloud = await start(app);
    expect(await cloud.function('sum').invoke({ a: 1, b: 2 })).toBe(3);
    await expect(cloud.function('sum').invoke({})).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining('"errorMessage":"no a"'),
    });
    expect(cloud.function('sum').logs()).toContain('ERROR\tInvoke Error');
  });

  it('gives functions its S3, and the app the context of cdk.json and this machine’s architecture', async () => {
    using app = testApp({ env: 'export const handler = async () => process.env;' });
    await using cloud = await start(app);
    const env = await cloud.function('env').invoke({});
    expect(env).toMatchObject({ AWS_ENDPOINT_URL_S3: cloud.s3Endpoint, GLOWPLUG_STORE: 's3://a-models' });
    const { CONTEXT } = Object(env);
    expect(JSON.parse(CONTEXT)).toEqual({
      color: 'red',
      'glowplug:architecture': process.arch === 'arm64' ? 'arm64' : 'x86_64',
    });
  });

  it('takes the ports that follow the one it is given', async () => {
    using app = testApp({ a: echo, b: echo });
    const port = await freePorts();
    await using cloud = await start(app, { port });
    expect(cloud.endpoint).toBe(`http://127.0.0.1:${port}`);
    expect(['a', 'b'].map((name) => cloud.function(name).url)).toEqual([
      `http://127.0.0.1:${port + 1}/`,
      `http://127.0.0.1:${port + 2}/`,
    ]);
  });

  it('keeps its credentials in its folder, and leaves nothing of a temporary one', async () => {
    using app = testApp({ echo });
    using kept = temporaryFolder();
    const keys: string[] = [];
    for (let i = 0; i < 2; i++) {
      await using cloud = await start(app, { folder: kept.path });
      keys.push(cloud.credentials.secretAccessKey);
    }
    expect(keys[1]).toBe(keys[0]);
    // As the AWS CLI and SDKs read it.
    expect(readFileSync(join(kept.path, 'credentials'), 'utf8')).toMatch(
      /^\[default\]\naws_access_key_id = \w+\naws_secret_access_key = \w+\n$/,
    );
    let tmp: unknown;
    {
      await using cloud = await start(app);
      app.write('tmp', 'export const handler = async () => process.env.TMPDIR;');
      await cloud.reload();
      tmp = await cloud.function('tmp').invoke({});
      expect(existsSync(String(tmp))).toBe(true);
      expect(cloud.credentials.secretAccessKey).not.toBe(keys[0]);
    }
    expect(existsSync(String(tmp))).toBe(false);
  });
});

describe('a start in the folder of an earlier one', () => {
  it('publishes to the earlier one’s stores while it synthesises', async () => {
    using app = appWithIris();
    using kept = temporaryFolder();
    await (await start(app, { folder: kept.path }))[Symbol.asyncDispose]();
    const began = join(app.root, 'began');
    app.sabotage(
      `for (let i = 0; !existsSync(${JSON.stringify(began)}); i++) { if (i > 500) process.exit(1); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20); }`,
    );
    const onProgress = (line: string) => line.startsWith('publishing iris') && writeFileSync(began, '');
    await using cloud = await start(app, { folder: kept.path, onProgress });
    expect(await stored(cloud)).toContain('iris/index.json');
  });

  it.each([
    ['names a store that cannot be', 'a.template.json', (text: string) => text.replace('s3://', 's3://NO STORE ')],
    ['is no JSON', 'manifest.json', () => '{'],
  ])('believes nothing of what it left: its template %s', async (_what, file, spoil) => {
    using app = appWithIris();
    using kept = temporaryFolder();
    await (await start(app, { folder: kept.path }))[Symbol.asyncDispose]();
    const path = join(kept.path, 'cdk.out', file);
    writeFileSync(path, spoil(readFileSync(path, 'utf8')));
    rmSync(join(kept.path, 's3'), { recursive: true });
    await using cloud = await start(app, { folder: kept.path });
    expect(cloud.stores).toEqual(['a-models']);
    expect(await stored(cloud)).toContain('iris/index.json');
  });
});

describe('two local clouds at once', () => {
  it('each have their own functions, buckets, credentials and processes', async () => {
    using app = testApp({
      pid: 'export const handler = async () => ({ pid: process.pid, s3: process.env.AWS_ENDPOINT_URL_S3 });',
    });
    await using one = await start(app);
    await using other = await start(app);
    const asked = await Promise.all([one, other, one, other].map((cloud) => cloud.function('pid').invoke({})));
    expect(asked.map((answer) => Object(answer).s3)).toEqual([one, other, one, other].map((cloud) => cloud.s3Endpoint));
    expect(one.credentials).not.toEqual(other.credentials);
    await other[Symbol.asyncDispose]();
    expect(await one.function('pid').invoke({})).toMatchObject({ s3: one.s3Endpoint });
  });
});

describe('reload', () => {
  it('replaces what changed, adds what is new, ends what is gone, and leaves the rest running', async () => {
    using app = testApp({
      same: 'export const handler = async () => process.pid;',
      changed: 'export const handler = async () => 1;',
      gone: echo,
    });
    await using cloud = await start(app);
    const pid = await cloud.function('same').invoke({});
    const { url } = cloud.function('changed');
    expect(await cloud.function('changed').invoke({})).toBe(1);
    app.write('changed', 'export const handler = async () => 2;');
    app.write('added', 'export const handler = async () => 3;');
    app.remove('gone');
    expect(await cloud.reload()).toEqual(['added', 'changed', 'gone']);
    expect(cloud.functions).toEqual(['added', 'changed', 'same']);
    expect(await cloud.function('changed').invoke({})).toBe(2);
    expect(cloud.function('changed').url).toBe(url);
    expect(await cloud.function('added').invoke({})).toBe(3);
    expect(await cloud.function('same').invoke({})).toBe(pid);
    expect(await cloud.reload()).toEqual([]);
  });

  it('notices changed configuration, and lets a request that runs finish on the old version', async () => {
    using app = testApp({});
    using gate = temporaryFolder();
    const slow = (version: number) => `
      import { existsSync, writeFileSync } from 'node:fs';
      export const handler = async ({ gate }) => {
        if (gate) writeFileSync(gate + '/reached', '');
        while (gate && !existsSync(gate + '/open')) await new Promise((resolve) => setTimeout(resolve, 5));
        return [${version}, process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE];
      };`;
    app.write('slow', slow(1));
    await using cloud = await start(app);
    const running = cloud.function('slow').invoke({ gate: gate.path });
    await expect.poll(() => existsSync(join(gate.path, 'reached')), { timeout: 10_000 }).toBe(true);
    app.write('slow', slow(1), { MemorySize: 300 });
    expect(await cloud.reload()).toEqual(['slow']);
    expect(await cloud.function('slow').invoke({})).toEqual([1, '300']);
    writeFileSync(join(gate.path, 'open'), '');
    expect(await running).toEqual([1, '256']);
  });

  it('that fails says why, and the last good version goes on', async () => {
    using app = testApp({ echo });
    await using cloud = await start(app);
    app.sabotage('throw new Error("no such stage");');
    await expect(cloud.reload()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        /^the app could not be synthesised: it ended with exit code 1\n[\s\S]*no such stage/,
      ),
    });
    expect((await cloud.function('echo').fetch('/')).status).toBe(200);
    app.sabotage('');
    expect(await cloud.reload()).toEqual([]);
  });
});

describe('a local cloud that cannot start says what to do', () => {
  it('when its port is taken', async () => {
    using app = testApp({ echo });
    await using taken = await listen(createServer(), 0);
    await expect(start(app, { port: taken.port })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `expected port ${taken.port} to be free, but another program listens on it`,
    });
  });

  it('when another one runs in its folder', async () => {
    using app = testApp({ echo });
    using folder = temporaryFolder();
    await using _first = await start(app, { folder: folder.path });
    await expect(start(app, { folder: folder.path })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `another local cloud, process ${process.pid}, runs in ${folder.path}`,
    });
  });

  it('when there is no app, or it is none that can be run', async () => {
    using folder = temporaryFolder();
    const starting = () => startLocalCloud({ root: folder.path });
    for (const root of [folder.path, join(folder.path, 'nowhere')]) {
      await expect(startLocalCloud({ root })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: `expected cdk.json in ${root}, found none`,
      });
    }
    writeFileSync(join(folder.path, 'cdk.json'), '{}');
    await expect(starting()).rejects.toMatchObject({ message: expect.stringContaining('expected "app"') });
  });

  it.each([
    ['ENOSPC', 'the disk is full'],
    ['EROFS', 'the file system is read-only'],
  ])('when its disk answers %s', (code, meaning) => {
    const error = Object.assign(new Error(code), { code, syscall: 'write', path: '/cloud/s3' });
    expect(asDiskError(error)).toMatchObject({
      code: 'CONFIG_INVALID',
      message: `the local cloud cannot write its files /cloud/s3: ${meaning}`,
    });
    expect(asDiskError(new Error(code))).toBe(undefined);
  });

  it('when a function is asked for that is not there', async () => {
    using app = testApp({ echo });
    await using cloud = await start(app);
    expect(() => cloud.function('ocr')).toThrow('expected one of the functions echo, got ocr');
  });

  it('when the synth prints much, with the beginning of it and no stack frames', async () => {
    using app = testApp({ echo });
    app.sabotage('console.error("first line\\n    at frame (file.js:1:1)\\n" + "x".repeat(100_000)); process.exit(2);');
    const error: unknown = await start(app).then(
      () => undefined,
      (thrown) => thrown,
    );
    const { message } = Object(error);
    expect(message).toContain('exit code 2');
    expect(message).not.toContain('at frame');
    expect(message.length).toBeLessThan(2_200);
  });
});

function appWithIris(): TestApp {
  const app = testApp({ echo });
  cpSync(join(root, 'models', 'iris'), join(app.root, 'models', 'iris'), { recursive: true });
  const definition = pathToFileURL(join(root, 'models', 'iris.ts')).href;
  writeFileSync(join(app.root, 'models', 'iris.mjs'), `export { default } from ${JSON.stringify(definition)};\n`);
  return app;
}

async function stored({ s3Endpoint: endpoint, region, credentials }: LocalCloud): Promise<(string | undefined)[]> {
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'a-models' }));
  return Contents.map(({ Key }) => Key);
}

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'glowplug-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The first of three ports in a row that were free a moment ago. */
async function freePorts(): Promise<number> {
  for (;;) {
    await using first = await listen(createServer(), 0);
    try {
      await using _second = await listen(createServer(), first.port + 1);
      await using _third = await listen(createServer(), first.port + 2);
      return first.port;
    } catch {
      // Taken: look elsewhere.
    }
  }
}
