// What happens when on a model's cold start, with a runtime that only tells what it was asked.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ColdStart } from '../../src/handler/cold-start.ts';
import { openModel } from '../../src/handler/open-model.ts';
import { cachePath } from '../../src/models/fetch.ts';
import { Sending } from '../../src/models/sending.ts';
import { weightsFile } from '../../src/models/version.ts';
import { type FakeSession, fakeSession } from '../../src/session/fake.ts';
import type { Runtime, SessionOptions } from '../../src/session/session.ts';
import { gatedStore, splitVersion, weights } from '../models/split-version.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { signature } from '../models/tiny-version.ts';

const { locked } = splitVersion;

describe('a model’s cold start', () => {
  it('makes the session before the weights are there, and hands it out only when every byte was verified', async () => {
    await using cache = await temporaryFolder();
    const gate = Promise.withResolvers<void>();
    const { runtime, created } = recorder();
    const opening = openModel(gatedStore({ gate: gate.promise }).store, locked, options(cache.path, runtime));
    const { options: made } = await created.promise;
    expect(made).toEqual({ threads: 1, mapped: true });
    const whole = cachePath(cache.path, locked.files[weightsFile]!.digest);
    expect(existsSync(whole)).toBe(false);
    const handedOut = await Promise.race([opening.then(() => true), new Promise((now) => setImmediate(now, false))]);
    expect(handedOut).toBe(false);
    gate.resolve();
    await opening;
    expect(existsSync(whole)).toBe(true);
  });

  it('loads the runtime only when all of its requests are with the network', async () => {
    await using cache = await temporaryFolder();
    const { store, asked } = gatedStore();
    const { runtime } = recorder();
    let before = 0;
    await openModel(store, locked, {
      ...options(cache.path, runtime),
      async prepare() {
        before = asked.length;
        return { followsWrites: true };
      },
    });
    expect(before).toBe(asked.length);
    // The weights in two ranges.
    expect(asked).toHaveLength(4);
  });

  it('waits for all of the weights where a map does not follow writes', async () => {
    await using cache = await temporaryFolder();
    const gate = Promise.withResolvers<void>();
    const { runtime, created } = recorder();
    const opening = openModel(gatedStore({ gate: gate.promise }).store, locked, {
      ...options(cache.path, runtime),
      prepare: async () => ({ followsWrites: false }),
    });
    const whole = cachePath(cache.path, locked.files[weightsFile]!.digest);
    const atCreate = created.promise.then(() => existsSync(whole));
    gate.resolve();
    await opening;
    expect(await atCreate).toBe(true);
  });

  it('makes a packed session of whole files for a runtime that is here to stay', async () => {
    await using cache = await temporaryFolder();
    const { runtime, created } = recorder();
    await openModel(gatedStore().store, locked, {
      ...options(cache.path, { create: runtime.create }),
      prepare: async () => ({ followsWrites: false }),
    });
    expect((await created.promise).options).toEqual({ threads: 1, mapped: false });
  });

  it('keeps the files under their names until the session closes: a worker that died opens them again', async () => {
    await using cache = await temporaryFolder();
    const { runtime } = recorder();
    const session = await openModel(gatedStore().store, locked, options(cache.path, runtime));
    const [held = ''] = readdirSync(join(cache.path, 'held'));
    expect(readdirSync(join(cache.path, 'held', held))).toHaveLength(2);
    await session[Symbol.asyncDispose]();
    expect(readdirSync(join(cache.path, 'held'))).toEqual([]);
  });

  it('closes the session over a wrong byte and never hands it out', async () => {
    await using cache = await temporaryFolder();
    const { runtime, created } = recorder();
    const gate = Promise.withResolvers<void>();
    const { store } = gatedStore({ flip: weights.length - 1, gate: gate.promise });
    const opening = openModel(store, locked, options(cache.path, runtime));
    const { session } = await created.promise;
    gate.resolve();
    await expect(opening).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(session.disposed).toBe(true);
    expect(session.runs).toEqual([]);
    expect(existsSync(cachePath(cache.path, locked.files[weightsFile]!.digest))).toBe(false);
    expect(readdirSync(join(cache.path, 'held'))).toEqual([]);
  });
});

function options(cacheDir: string, runtime: Runtime) {
  return {
    cacheDir,
    threads: 1,
    sending: new Sending(),
    coldStart: new ColdStart(0),
    runtime,
    prepare: async () => ({ followsWrites: true }),
  };
}

function recorder() {
  const created = Promise.withResolvers<{ options: SessionOptions; session: FakeSession }>();
  const runtime: Runtime = {
    prepare: async () => ({ followsWrites: true }),
    async create(_path, given) {
      const session = fakeSession({ signature, answer: (feeds) => feeds });
      created.resolve({ options: given, session });
      return session;
    },
  };
  return { runtime, created };
}
