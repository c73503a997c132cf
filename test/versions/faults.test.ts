// What S3 can do to a publish and to a fetch: it is borne, or told with a remedy; and nobody ever gets a wrong answer.
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { fetchVersion } from '../../src/models/fetch.ts';
import { hashFile } from '../../src/models/hash-file.ts';
import { buildManifest } from '../../src/models/manifest.ts';
import { publish } from '../../src/models/publish.ts';
import { resolve } from '../../src/models/resolve.ts';
import { s3Store } from '../../src/models/stores/s3.ts';
import { s3Reader } from '../../src/models/stores/s3-reader.ts';
import type { LocalFile, LockedVersion } from '../../src/models/version.ts';
import { localFile } from '../models/local-file.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { signature } from '../models/tiny-version.ts';
import { long } from '../runs.ts';
import { bucket, credentials, type Fault, type FaultyS3, faults, faultyS3 } from './faulty-s3.ts';
import { testClock } from './test-clock.ts';
import { wholeTags } from './whole.ts';

/** What is told when it never stops. A store that is not asked for what a fault spoils does its work. */
const told: Record<Fault, { readonly publish: string; readonly fetch: string }> = {
  SlowDown: { publish: 'STORE_UNAVAILABLE', fetch: 'STORE_UNAVAILABLE' },
  InternalError: { publish: 'STORE_UNAVAILABLE', fetch: 'STORE_UNAVAILABLE' },
  'reset before the request': { publish: 'STORE_UNAVAILABLE', fetch: 'STORE_UNAVAILABLE' },
  'reset in the request': { publish: 'STORE_UNAVAILABLE', fetch: 'done' },
  'reset before the answer': { publish: 'STORE_UNAVAILABLE', fetch: 'STORE_UNAVAILABLE' },
  'reset in the answer': { publish: 'STORE_UNAVAILABLE', fetch: 'STORE_UNAVAILABLE' },
  'short answer': { publish: 'done', fetch: 'STORE_UNAVAILABLE' },
  'wrong bytes there': { publish: 'STORE_UNAVAILABLE', fetch: 'done' },
  'wrong bytes back': { publish: 'done', fetch: 'DIGEST_MISMATCH' },
  'silence before the answer': { publish: 'STORE_UNAVAILABLE', fetch: 'STORE_UNAVAILABLE' },
  'silence in the answer': { publish: 'done', fetch: 'STORE_UNAVAILABLE' },
  ExpiredToken: { publish: 'STORE_FORBIDDEN', fetch: 'STORE_FORBIDDEN' },
  RequestTimeTooSkewed: { publish: 'STORE_FORBIDDEN', fetch: 'STORE_FORBIDDEN' },
  AccessDenied: { publish: 'STORE_FORBIDDEN', fetch: 'STORE_FORBIDDEN' },
  NoSuchKey: { publish: 'STORE_CONFLICT', fetch: 'MODEL_NOT_FOUND' },
};

describe('S3 that fails', () => {
  it('once, at any request of a publish: it is borne or told, and the next publish succeeds', async () => {
    await using weights = await localFile(20_000);
    await using s3 = await faultyS3();
    const count = tiny('count', weights.local);
    s3.spoil(() => undefined);
    await publish(await store(s3), count);
    const n = s3.requests;
    const cases = faults.flatMap((fault) => Array.from({ length: n }, (_, index) => ({ fault, k: index + 1 })));
    let [borne, reported] = [0, 0];
    // Every eleventh in npm test: each fault at some requests, each request with some faults.
    for (const [index, { fault, k }] of cases.entries()) {
      if (!long && index % 11 !== 0) continue;
      const built = tiny(`m${index}`, weights.local);
      s3.spoil((request) => (request === k ? fault : undefined));
      const first = await outcomeOf(publish(await store(s3, fault), built, { clock: testClock() }));
      s3.spoil(() => undefined);
      if (first === 'done') borne++;
      else reported++;
      const again = await store(s3);
      if (first === 'done') expect(await wholeTags(again, `m${index}`), `${fault} at ${k}`).toEqual(['1.0.0']);
      await publish(again, built, { clock: testClock() });
      expect(await wholeTags(again, `m${index}`), `${fault} at ${k}`).toEqual(['1.0.0']);
    }
    console.log(`publish with one fault at one of ${n} requests: ${borne} borne, ${reported} told with a remedy`);
  });

  it('once, at any request of a fetch: it is borne or told, and no file ever has wrong bytes', async () => {
    await using weights = await localFile(300_000);
    await using s3 = await faultyS3();
    const built = tiny('fetched', weights.local);
    s3.spoil(() => undefined);
    await publish(await store(s3), built);
    let [borne, reported] = [0, 0];
    for (const fault of faults) {
      for (let k = 1; k <= 5; k += long ? 1 : 2) {
        s3.spoil((request) => (request === k ? fault : undefined));
        const outcome = await fetched(s3, built.locked, fault);
        if (outcome === 'done') borne++;
        else reported++;
      }
    }
    console.log(`fetch with one fault at one of 4 requests: ${borne} borne, ${reported} told with a remedy`);
  });

  it.each(faults)('always: %s ends a publish and a fetch within their deadline, and says what to do', async (fault) => {
    await using weights = await localFile(20_000);
    await using s3 = await faultyS3();
    const built = tiny('always', weights.local);
    s3.spoil(() => fault);
    const clock = testClock();
    expect(await outcomeOf(publish(await store(s3, fault), built, { clock }))).toBe(told[fault].publish);
    s3.spoil(() => undefined);
    await publish(await store(s3), built);
    s3.spoil(() => fault);
    expect(await fetched(s3, built.locked, fault)).toBe(told[fault].fetch);
  });
});

function tiny(model: string, weights: LocalFile) {
  const files = { 'model.onnx': Buffer.from('graph'), 'weights.bin': weights };
  return buildManifest({ model, version: '1.0.0', license: 'MIT', files, signature });
}

const at = (s3: FaultyS3) => ({ bucket, prefix: '', region: 'us-east-1', endpoint: s3.url });
/** Short where silence is the fault, so that nothing else is taken for it on a busy machine. */
const patience = (fault?: Fault) => ({
  credentials,
  clock: testClock(),
  ...(fault?.startsWith('silence') ? { silenceMs: 60 } : {}),
});
const store = (s3: FaultyS3, fault?: Fault) => s3Store(at(s3), patience(fault));

/** Resolve, then fetch. Whatever is on the disk afterwards is what was published. */
async function fetched(s3: FaultyS3, locked: LockedVersion, fault: Fault): Promise<string> {
  await using cache = await temporaryFolder();
  const reader = s3Reader(at(s3), patience(fault));
  return await outcomeOf(
    (async () => {
      expect(await resolve(reader, `${locked.model}:1.0.0`), fault).toEqual(locked);
      const { paths } = await fetchVersion(reader, locked, { cacheDir: cache.path });
      for (const [name, path] of Object.entries(paths)) {
        expect((await hashFile(path)).digest, fault).toBe(locked.files[name]?.digest);
      }
    })(),
  );
}

/** `done`, or the code of an error of the catalogue that says what to do. */
async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (!(error instanceof GlowplugError)) throw error;
    expect(error.remedy).not.toBe('');
    expect(error.code).not.toBe('INTERNAL');
    return error.code;
  }
}
