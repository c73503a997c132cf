// Whatever lies in the store: it is never run when it is wrong, the client hears no more than that, and once it is mended
// the same environment answers.
import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readContract } from '../../src/core/contract.ts';
import { noLog } from '../../src/core/log.ts';
import { createContext } from '../../src/handler/context.ts';
import { defineFunction } from '../../src/handler/define.ts';
import { Environment } from '../../src/handler/environment.ts';
import { serializeLock } from '../../src/models/lock.ts';
import { buildManifest } from '../../src/models/manifest.ts';
import { publish } from '../../src/models/publish.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { readSignature } from '../../src/onnx/signature.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { startLocalCloud } from '../../src/testing/cloud.ts';
import { listen } from '../../src/testing/listen.ts';
import { bytesOf, tinyGraph, tinyModel } from '../onnx/tiny-model.ts';
import { root } from '../root.ts';

const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }] });
const good = bytesOf(tinyModel());

describe('abuse: models', () => {
  let folder: string;
  let environment: Environment;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-abuse-'));
  });
  afterEach(async () => {
    await environment?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** A function over one model, published as it is: what `publish` itself would refuse comes to lie in the store as well. */
  async function serve(model: Uint8Array) {
    const built = buildManifest({
      model: 'tiny',
      version: '1.0.0',
      license: 'MIT',
      files: { 'model.onnx': model },
      signature: readSignature(good),
    });
    await publish(folderStore(join(folder, 'store')), built);
    const lockFile = join(folder, 'models.lock.json');
    await writeFile(lockFile, serializeLock({ lockVersion: 1, models: { 'tiny:prod': built.locked } }));
    const contract = readContract({
      GLOWPLUG_STORE: join(folder, 'store'),
      GLOWPLUG_CACHE: join(folder, 'cache'),
      GLOWPLUG_LOCK: lockFile,
    });
    environment = new Environment(contract, { create: createOrtSession });
    const { fetch } = defineFunction({ models: { tiny: 'tiny:prod' } }, () => environment);
    const errors: string[] = [];
    const log = {
      ...noLog,
      error: (message: string, fields?: object) => errors.push(`${message} ${JSON.stringify(fields)}`),
    };
    return {
      errors,
      blob: join(folder, 'store/tiny/blobs/sha256', built.locked.files['model.onnx']!.digest.slice(7)),
      ask: async () => {
        const response = await fetch(
          new Request('https://abuse.test/', { method: 'POST', body }),
          createContext({ log }),
        );
        return { status: response.status, text: await response.text() };
      },
    };
  }

  it.each([
    ['is cut off', good.subarray(0, good.length - 5), 'MODEL_INVALID'],
    ['is not ONNX', Buffer.from('PK\u0003\u0004 this is a ZIP'), 'MODEL_INVALID'],
    ['is empty', new Uint8Array(), 'MODEL_INVALID'],
    [
      'has an operator that nobody knows',
      bytesOf(tinyGraph({ node: [{ opType: 'Wormhole', input: ['x'], output: ['y'] }] })),
      'MODEL_UNSUPPORTED',
    ],
    [
      'has an opset from the future',
      bytesOf(tinyModel({ opsetImport: [{ domain: '', version: 999n }] })),
      'MODEL_UNSUPPORTED',
    ],
  ])('a model file that %s is 503 for the client, and named in the log', async (_what, bytes, code) => {
    const { ask, errors } = await serve(bytes);
    const answer = await ask();
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    expect(answer.text).not.toContain(folder);
    expect(errors.join()).toContain('tiny:prod cannot be loaded');
    expect(errors.join()).toContain(code === 'MODEL_INVALID' ? 'expected an ONNX model' : 'onnxruntime can run');
  });

  it('bytes that are not the published ones never become a file, and the mended blob answers', async () => {
    const { ask, blob, errors } = await serve(good);
    const published = await readFile(blob);
    await unlink(blob);
    await writeFile(
      blob,
      published.map((byte, at) => (at === 20 ? byte ^ 1 : byte)),
    );
    expect(await ask()).toMatchObject({ status: 502 });
    expect(errors.join()).toMatch(/expected tiny:1\.0\.0 model\.onnx with sha256:\w{64}, got sha256:\w{64}/);
    expect(await readdir(join(folder, 'cache/sha256'))).toEqual([]);
    await unlink(blob);
    await writeFile(blob, published);
    expect(await ask()).toMatchObject({ status: 200 });
  });

  it('a missing blob is 503, and answers once it is there', async () => {
    const { ask, blob } = await serve(good);
    const published = await readFile(blob);
    await unlink(blob);
    expect(await ask()).toMatchObject({ status: 503 });
    await writeFile(blob, published);
    expect(await ask()).toMatchObject({ status: 200 });
  });

  it('a cache folder that cannot be written is a fault of the deployment, said in the log', async () => {
    const { ask, errors } = await serve(good);
    await writeFile(join(folder, 'cache'), 'a file where a folder should be');
    expect(await ask()).toMatchObject({ status: 500 });
    expect(errors.join()).toMatch(/expected to be able to (write into|make a second name of a file in)/);
  });
});

describe('abuse: the local cloud', () => {
  it('says so when its port is taken', async () => {
    await using taken = await listen(createServer(), 0);
    await expect(startLocalCloud({ root, port: taken.port })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `expected port ${taken.port} to be free, but another program listens on it`,
      remedy: 'End that program, or choose another port with --port.',
    });
  });
});
