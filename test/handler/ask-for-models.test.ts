// What is asked for before the function's code is loaded, and where nothing is.
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { askForModels } from '../../src/handler/ask-for-models.ts';
import { Serving } from '../../src/handler/serving.ts';
import { cachePath } from '../../src/models/cache.ts';
import { serializeLock } from '../../src/models/lock.ts';
import { forgetAsked } from '../../src/models/stores/range-request.ts';
import { weightsFile } from '../../src/models/version.ts';
import { listen } from '../../src/testing/listen.ts';
import { splitVersion, weights } from '../models/split-version.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { fakeHost } from './fake-host.ts';

const { locked } = splitVersion;
const rangesAsked = (asked: readonly { range: string }[]) => asked.map(({ range }) => range).sort();

describe('a bundle asks', () => {
  let store: Awaited<ReturnType<typeof silentS3>>;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    store = await silentS3();
    folder = await temporaryFolder();
    await writeFile(
      join(folder.path, 'models.lock.json'),
      serializeLock({ lockVersion: 1, models: { 'tiny:prod': locked } }),
    );
    const environment = {
      LAMBDA_TASK_ROOT: folder.path,
      GLOWPLUG_STORE: 's3://models',
      GLOWPLUG_CACHE: join(folder.path, 'cache'),
      AWS_ENDPOINT_URL_S3: store.url,
      AWS_ACCESS_KEY_ID: 'AKID',
      AWS_SECRET_ACCESS_KEY: 'secret',
    };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await forgetAsked();
    await store[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it('for each byte of its models once, in requests that are signed', async () => {
    await askForModels();
    await vi.waitUntil(() => store.asked.length === 4);
    const { 'model.onnx': graph, 'labels.txt': labels } = locked.files;
    const half = 2 * 2 * 1024 * 1024;
    expect(rangesAsked(store.asked)).toEqual(
      [
        `bytes=0-${graph!.size - 1}`,
        `bytes=0-${labels!.size - 1}`,
        `bytes=0-${half - 1}`,
        `bytes=${half}-${weights.length - 1}`,
      ].sort(),
    );
    for (const { authorization } of store.asked) expect(authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKID\//);
  });

  it('for none that lies in the cache', async () => {
    for (const name of ['model.onnx', weightsFile]) {
      const path = cachePath(join(folder.path, 'cache'), locked.files[name]!.digest);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, 'what is in it is for who opens it to see');
    }
    await askForModels();
    await vi.waitUntil(() => store.asked.length === 1);
    expect(rangesAsked(store.asked)).toEqual([`bytes=0-${locked.files['labels.txt']!.size - 1}`]);
  });

  it.each([
    ['outside Lambda', { LAMBDA_TASK_ROOT: '' }],
    ['of a store in a folder', { GLOWPLUG_STORE: '/models' }],
    ['of a folder of models', { GLOWPLUG_MODELS: '/models' }],
    ['without credentials', { AWS_SECRET_ACCESS_KEY: '' }],
    ['where credentials must be asked for', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/' }],
    ['of threads, which open another form', { AWS_LAMBDA_MAX_CONCURRENCY: '16' }],
    ['of a lock that is not there', { GLOWPLUG_LOCK: '/none/models.lock.json' }],
    ['of a store that is none', { GLOWPLUG_STORE: 'gs://models' }],
    ['with a variable that is wrong', { GLOWPLUG_CACHE_MB: 'much' }],
  ])('nothing %s, and says nothing of it', async (_what, environment) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    await expect(askForModels()).resolves.toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(store.asked).toEqual([]);
  });

  it('and lets go at once what a function opens on demand', async () => {
    await askForModels();
    await vi.waitUntil(() => store.open === 4);
    await new Serving({}, fakeHost().host, undefined, true).warm();
    await vi.waitUntil(() => store.open === 0);
  });
});

/** An S3 that hears what is asked, and answers nobody. */
async function silentS3() {
  const asked: { range: string; authorization: string }[] = [];
  let open = 0;
  const server = createServer(({ headers }) => {
    asked.push({ range: headers.range ?? '', authorization: headers.authorization ?? '' });
  });
  server.on('connection', (socket) => {
    open++;
    socket.on('error', () => {}).on('close', () => open--);
  });
  const bound = await listen(server, 0);
  return {
    url: bound.url,
    asked,
    get open() {
      return open;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await bound[Symbol.asyncDispose]();
    },
  };
}
