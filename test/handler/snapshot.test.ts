// A SnapStart snapshot in spirit: the environment stands still for long, meanwhile its connections die, its credentials are
// replaced and refused, its channel moves; then it goes on.

import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Contract, readContract } from '../../src/core/contract.ts';
import type { Fields } from '../../src/core/log.ts';
import { noLog } from '../../src/core/log.ts';
import { createContext } from '../../src/handler/context.ts';
import { defineFunction } from '../../src/handler/define.ts';
import { Environment } from '../../src/handler/environment.ts';
import { snapshotOf } from '../../src/handler/snapshot.ts';
import { serializeLock } from '../../src/models/lock.ts';
import { publish } from '../../src/models/publish.ts';
import { openStore } from '../../src/models/stores/open-store.ts';
import { tag } from '../../src/models/tag.ts';
import { cpuFeatures } from '../../src/session/cpu-features.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { createBucket } from '../../src/testing/buckets.ts';
import { listen } from '../../src/testing/listen.ts';
import { s3Listener } from '../../src/testing/s3/server.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { adder } from '../versions/adder.ts';

describe('an environment that is made of a snapshot', () => {
  let world: Awaited<ReturnType<typeof makeWorld>>;
  beforeEach(async () => {
    world = await makeWorld();
  });
  afterEach(async () => await world[Symbol.asyncDispose]());

  it('answers with new credentials over new connections, and with the version that its channel names now', async () => {
    await world.snapshot.before();
    expect(await world.ask()).toBe(1);
    await world.timePasses();
    await world.snapshot.after();
    expect(await world.ask()).toBe(1);
    await world.settled(2);
    expect(world.refused).toBe(0);
    expect(world.asked).toBe(2);
    expect(world.lines.filter(({ level }) => level !== 'info')).toEqual([]);
    expect(world.lines.map(({ message }) => message)).toContain('restored from a snapshot');
  });

  it('is taken when the version that a channel names is loaded, with nothing under way to the store', async () => {
    await world.channelMoves();
    await world.snapshot.before();
    expect(world.asked).toBe(1);
    expect(await world.ask()).toBe(2);
    expect(world.asked).toBe(1);
  });

  it('would have been refused with what the snapshot held', async () => {
    await world.snapshot.before();
    // As if nobody had said that a snapshot was taken: the store is opened once more with what is known.
    await world.environment.store().then((store) => store.get('adder/index.json'));
    await world.timePasses();
    const store = await world.environment.store();
    await expect(store.get('adder/index.json')).rejects.toMatchObject({ code: 'STORE_FORBIDDEN' });
    await world.snapshot.after();
    expect(await (await world.environment.store()).get('adder/index.json')).toBeDefined();
  });

  it('gives its owner a seed of its own each time, before the first request', async () => {
    await world.snapshot.before();
    for (let restore = 0; restore < 3; restore++) await world.snapshot.after();
    expect(new Set(world.seeds).size).toBe(3);
    expect(world.seeds.every((seed) => seed.length === 64)).toBe(true);
    expect(world.said).toEqual(['before', 'after', 'after', 'after']);
  });

  it('ends where the processor lacks what onnxruntime chose its kernels for, and goes on where it has more', async () => {
    await world.snapshot.before();
    const features = new Set(world.features);
    await world.snapshot.after(new Set([...features, 'more']));
    expect(world.exits).toBe(0);
    const [lost = ''] = features;
    features.delete(lost);
    await world.snapshot.after(features);
    expect(world.exits).toBe(1);
    expect(world.lines.find(({ level }) => level === 'error')?.fields).toEqual({ missing: [lost] });
    expect(world.said).toEqual(['before', 'after']);
  });
});

async function makeWorld() {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await temporaryFolder());
  let key = 1;
  const credentials = {
    get accessKeyId() {
      return `AKIA${key}`;
    },
    get secretAccessKey() {
      return `secret ${key}`;
    },
  };
  let [asked, refused, exits] = [0, 0, 0];
  const { listener, settled } = await s3Listener({ folder: join(folder.path, 's3'), credentials });
  opening.defer(settled);
  const s3 = createServer((message, response) => {
    response.on('finish', () => {
      if (response.statusCode === 403) refused++;
    });
    listener(message, response);
  });
  s3.on('checkContinue', listener);
  const { url: s3Endpoint } = opening.use(await listen(s3, 0));
  // As Lambda's: who has the token is given credentials for some hours.
  const source = createServer((message, response) => {
    asked++;
    const mayHave = message.headers.authorization === 'a token';
    response.writeHead(mayHave ? 200 : 403);
    const { accessKeyId, secretAccessKey } = credentials;
    const Expiration = new Date(Date.now() + 6 * 3_600_000).toISOString();
    response.end(JSON.stringify({ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Expiration }));
  });
  const { url } = opening.use(await listen(source, 0));

  const where = { region: 'us-east-1', s3Endpoint };
  await createBucket({ ...where, credentials: { ...credentials } }, { name: 'models', versioned: false });
  const admin = () => openStore({ ...where, store: 's3://models', credentials: { ...credentials } });
  const [first, second] = [adder(1), adder(2)];
  await publish(await admin(), first);
  await tag(await admin(), 'adder', { from: first.locked.version, to: 'prod' });
  const lockFile = join(folder.path, 'models.lock.json');
  await writeFile(lockFile, serializeLock({ lockVersion: 1, models: { 'adder:prod': first.locked } }));

  const contract: Contract = {
    ...readContract({}),
    ...where,
    store: 's3://models',
    lockFile,
    cacheDir: join(folder.path, 'cache'),
    onLambda: true,
    memoryMb: 1024,
    credentialSource: { url, token: 'a token' },
  };
  const lines: { level: string; message: string; fields: Fields }[] = [];
  const write =
    (level: string) =>
    (message: string, fields: Fields = {}) =>
      void lines.push({ level, message, fields });
  const log = { info: write('info'), warn: write('warn'), error: write('error') };
  // The monotonic clock of a snapshot stands still with it.
  const clock = { now: () => 1000, sleep: async () => {} };
  const environment = opening.use(new Environment(contract, { create: createOrtSession }, { clock, log }));
  const said: string[] = [];
  const seeds: string[] = [];
  const fn = defineFunction(
    {
      models: { m: { model: 'adder:prod', follow: { every: 60 } } },
      input: { kind: 'custom', decode: () => undefined },
      async predict(_input, { m }) {
        const { y } = await m.run({ x: tensor('FP32', [1, 2], Float32Array.of(0, 0)) });
        return Number(y?.data[0]);
      },
    },
    () => environment,
  );
  const snapshot = snapshotOf({
    fn,
    environment: () => environment,
    hooks: {
      before: () => void said.push('before'),
      after({ seed }) {
        said.push('after');
        seeds.push(Buffer.from(seed).toString('hex'));
      },
    },
    readContract: () => contract,
    exit: () => exits++,
  });
  const channelMoves = async () => {
    await publish(await admin(), second);
    await tag(await admin(), 'adder', { from: second.locked.version, to: 'prod' });
  };
  const opened = opening.move();
  const ask = async () => {
    const request = new Request('https://f.example/', { method: 'POST', body: '{}' });
    return await (await fn.fetch(request, createContext({ log: noLog }))).json();
  };
  return {
    environment,
    snapshot,
    lines,
    said,
    seeds,
    ask,
    get features() {
      return cpuFeatures();
    },
    get asked() {
      return asked;
    },
    get refused() {
      return refused;
    },
    get exits() {
      return exits;
    },
    channelMoves,
    async timePasses() {
      await channelMoves();
      key++;
      s3.closeAllConnections();
      source.closeAllConnections();
    },
    /** A moved channel is loaded beside the requests: one of the next ones is answered by it. */
    async settled(wanted: number) {
      for (let turn = 0; turn < 2000; turn++) {
        if ((await ask()) === wanted) return;
        await new Promise(setImmediate);
      }
      throw new Error(`nothing but older versions than ${wanted} answered`);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
