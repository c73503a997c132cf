// A followed channel: what a function answers while the channel moves, to good versions and to bad ones.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blobKey } from '../../src/models/blob-key.ts';
import { sign } from '../../src/models/sign.ts';
import { generateKey, keyFileSigner } from '../../src/models/signer.ts';
import { serializeTrustedKeys } from '../../src/models/trusted-keys.ts';
import type { BuiltVersion } from '../../src/models/version.ts';
import { budgetFor, residentBytes } from '../../src/session/budget.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import type { SessionFactory } from '../../src/session/session.ts';
import { long } from '../runs.ts';
import { adder, notOnnx, otherSignature } from './adder.ts';
import { following, until } from './following.ts';

const follow = { every: 60 };

describe('a function that follows a channel', () => {
  it('answers with the locked version first, and with what the channel names once it is loaded', async () => {
    await using f = await following({ use: { model: 'adder:prod', follow }, start: { 'adder:prod': adder(1) } });
    const next = await f.move('adder:prod', adder(2));
    expect(await f.ask()).toMatchObject({
      added: 1,
      said: 1,
      version: expect.stringContaining('m=adder:1.0.0@sha256:'),
    });
    await until(async () => (await f.ask()).added === 2);
    expect(await f.ask()).toEqual({ status: 200, added: 2, said: 2, version: `m=adder:2.0.0@${next.digest}` });
    expect(await f.infer()).toMatchObject({ model_version: '2.0.0', outputs: [{ data: [2, 2] }] });
  });

  it('looks no more often than it was told', async () => {
    await using f = await following({ use: { model: 'adder:prod', follow }, start: { 'adder:prod': adder(1) } });
    await f.warm();
    await until(async () => (await f.ask()).status === 200);
    await f.move('adder:prod', adder(2));
    f.wait(59.9);
    for (let request = 0; request < 50; request++) expect((await f.ask()).added).toBe(1);
    f.wait(0.2);
    await until(async () => (await f.ask()).added === 2);
  });

  it('lets a request finish with the version it began with, its files as well, while others have the new one', async () => {
    const gate = Promise.withResolvers<void>();
    let first = true;
    await using f = await following({
      use: { model: 'adder:prod', follow },
      start: { 'adder:prod': adder(1) },
      async predict(model, run) {
        const slow = first;
        first = false;
        const before = await run();
        if (slow) await gate.promise;
        const after = await run();
        return { added: before === after ? after : Number.NaN, said: Number(await model.text('adds.txt')) };
      },
    });
    await f.warm();
    const slow = f.ask();
    await f.move('adder:prod', adder(2));
    f.wait(60);
    await until(async () => (await f.ask()).added === 2);
    gate.resolve();
    expect(await slow).toMatchObject({ added: 1, said: 1, version: expect.stringContaining('adder:1.0.0') });
  });

  it.each<[string, BuiltVersion, string]>([
    ['has another signature', otherSignature(2), 'MODEL_UNSUPPORTED'],
    ['is no ONNX file', notOnnx(2), 'MODEL_INVALID'],
  ])('stays with the old version when the new one %s, and says so once', async (_what, bad, code) => {
    await using f = await following({ use: { model: 'adder:prod', follow }, start: { 'adder:prod': adder(1) } });
    await f.move('adder:prod', bad);
    for (let minute = 0; minute < 30; minute++) {
      expect((await f.ask()).added).toBe(1);
      f.wait(60);
      await until(() => f.lines.length > 0);
    }
    expect(f.lines).toMatchObject([
      { level: 'warn', fields: { code, answers: expect.stringContaining('adder:1.0.0') } },
    ]);
    await f.move('adder:prod', adder(3));
    f.wait(60);
    await until(async () => (await f.ask()).added === 3);
  });

  it('runs no version that the keys of its deployment do not trust, whoever moved the channel, and the same one once it is signed', async () => {
    const key = generateKey('ci');
    const trustedKeys = serializeTrustedKeys({ keys: { ci: { publicKey: key.x, models: ['*'] } }, floors: {} });
    await using f = await following({
      use: { model: 'adder:prod', follow },
      start: { 'adder:prod': adder(1) },
      trustedKeys,
    });
    await f.move('adder:prod', adder(2));
    await f.warm();
    await until(() => f.lines.length > 0);
    expect(f.lines).toMatchObject([{ level: 'warn', fields: { code: 'SIGNATURE_INVALID' } }]);
    expect(await readdir(join(f.cacheDir, 'sha256'))).toHaveLength(2);
    expect((await f.ask()).added).toBe(1);
    await sign(f.store, 'adder:2.0.0', keyFileSigner(JSON.stringify(key)));
    await f.recycle();
    await until(async () => (await f.ask()).added === 2);
  });

  it('asks before it loads: what verify refuses is not even fetched', async () => {
    const verify = async () => await Promise.reject(new Error('nobody signed it'));
    const use = { model: 'adder:prod', follow: { every: 60, verify } };
    await using f = await following({ use, start: { 'adder:prod': adder(1) } });
    await f.move('adder:prod', adder(2));
    await f.warm();
    await until(() => f.lines.length > 0);
    expect(f.lines).toMatchObject([{ level: 'warn', fields: { error: expect.stringContaining('nobody signed it') } }]);
    expect(await readdir(join(f.cacheDir, 'sha256'))).toHaveLength(2);
    expect((await f.ask()).added).toBe(1);
  });

  it('is warmed by its owner before it answers; what fails there does not', async () => {
    const warmed: number[] = [];
    const use = { model: 'adder:prod', follow };
    await using f = await following({
      use,
      start: { 'adder:prod': adder(1) },
      async warm(model) {
        const number = Number(await model.text('adds.txt'));
        warmed.push(number);
        if (number === 2) throw new Error('it answers nonsense');
      },
    });
    await f.warm();
    for (const number of [2, 3]) {
      await f.move('adder:prod', adder(number));
      f.wait(60);
      await until(async () => {
        expect([1, 3]).toContain((await f.ask()).added);
        return f.lines.length === number - 1;
      });
    }
    expect(warmed).toEqual([1, 2, 3]);
    expect(f.lines).toMatchObject([
      { level: 'warn', fields: { error: expect.stringContaining('it answers nonsense') } },
      { level: 'info', fields: { to: expect.stringContaining('adder:3.0.0') } },
    ]);
  });

  it('goes back as fast as forward: the version before is still open', async () => {
    let opened = 0;
    const createSession: SessionFactory = async (path, options) => {
      opened++;
      return await createOrtSession(path, options);
    };
    const use = { model: 'adder:prod', follow };
    await using f = await following({ use, start: { 'adder:prod': adder(1) }, createSession });
    await f.warm();
    for (const number of [2, 1, 2]) {
      await f.move('adder:prod', adder(number));
      f.wait(60);
      await until(async () => (await f.ask()).added === number);
    }
    expect(opened).toBe(2);
  });

  it('never loads in place of what answers: without room for both it stays, and says what it would take', async () => {
    const [old, next] = [adder(1, { bytes: 4e6 }), adder(2, { bytes: 4e6 })];
    const memoryMb = 165;
    expect(budgetFor(memoryMb)).toBeGreaterThan(8e6);
    expect(budgetFor(memoryMb)).toBeLessThan(14e6);
    await using f = await following({
      use: { model: 'adder:prod', follow },
      start: { 'adder:prod': old },
      memoryMb,
    });
    await f.warm();
    await f.move('adder:prod', next);
    f.wait(60);
    expect((await f.ask()).added).toBe(1);
    await until(() => f.lines.length > 0);
    expect(f.lines).toMatchObject([
      { fields: { code: 'MEMORY_BUDGET', error: expect.stringContaining('beside 8 MB') } },
    ]);
    expect((await f.ask()).added).toBe(1);
    expect(f.environment.wantsRecycling).toBe(false);
  });
});

describe('following under fire', () => {
  const requests = long ? 10_000 : 1_000;
  const moves = 50;
  const inside = 8;

  it(`answers ${requests} requests while the channel moves ${moves} times, a tenth of them to what cannot be run`, async () => {
    let open = 0;
    let mostOpen = 0;
    const createSession: SessionFactory = async (path, options) => {
      const session = await createOrtSession(path, options);
      mostOpen = Math.max(mostOpen, ++open);
      return {
        ...session,
        async [Symbol.asyncDispose]() {
          open--;
          await session[Symbol.asyncDispose]();
        },
      };
    };
    const memoryMb = 172;
    await using f = await following({
      use: { model: 'adder:prod', follow: { every: 5 } },
      start: { 'adder:prod': adder(0, { bytes: 1e6 }) },
      memoryMb,
      createSession,
      /** Twice, with others in between: both runs and the file must be of one version. */
      async predict(model, run) {
        const before = await run();
        await new Promise(setImmediate);
        const after = await run();
        return { added: before === after ? after : Number.NaN, said: Number(await model.text('adds.txt')) };
      },
    });

    const good = new Map<number, string>([[0, adder(0, { bytes: 1e6 }).locked.digest]]);
    const seen = new Set<number>();
    const wrong: unknown[] = [];
    let asked = 0;
    let mostBytes = 0;
    const ask = async () => {
      asked++;
      f.wait(1);
      const answer = await f.ask();
      mostBytes = Math.max(mostBytes, f.environment.sessionBytes);
      const { status, added, said, version } = answer;
      const right = status === 200 && added === said && version === `m=adder:${added}.0.0@${good.get(added)}`;
      if (right) seen.add(added);
      else wrong.push(answer);
    };
    const worker = async (count: number) => {
      for (let request = 0; request < count; request++) await ask();
    };

    for (let move = 1; move <= moves; move++) {
      const bad = move % 10 === 0;
      const built = bad ? corrupt[(move / 10) % corrupt.length]!(move) : adder(move, { bytes: 1e6 });
      if (!bad) good.set(move, built.locked.digest);
      await f.move('adder:prod', built);
      if (bad) await tamper(f.store.name, built, move);
      await Promise.all(Array.from({ length: inside }, () => worker(requests / moves / inside)));
      const settled = () => f.lines.some(({ fields, message }) => says(fields, message, built.locked.digest));
      await until(async () => {
        if (settled()) return true;
        await ask();
        return false;
      });
    }
    await Promise.all(Array.from({ length: inside }, () => worker(Math.max(0, requests - asked) / inside)));

    const refused = f.lines.filter(({ level }) => level === 'warn');
    console.log(
      `follow under fire: ${asked} requests, ${wrong.length} failed, ${moves} moves, ${seen.size} versions answered, ` +
        `${refused.length} refused (${refused.map(({ fields }) => fields['code']).join(', ')}), at most ${mostOpen} sessions ` +
        `and ${(mostBytes / 1e6).toFixed(1)} of ${(budgetFor(memoryMb) / 1e6).toFixed(1)} MB`,
    );
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThanOrEqual(requests);
    expect(seen.size).toBe(good.size);
    expect(refused).toHaveLength(moves / 10);
    expect(mostBytes).toBeLessThanOrEqual(budgetFor(memoryMb));
    // One that closes while its successor opens is counted twice.
    expect(mostOpen).toBeLessThanOrEqual(Math.floor(budgetFor(memoryMb) / residentBytes(1e6)) + 1);
    expect(f.environment.wantsRecycling).toBe(false);
    // Closed sessions let their files go.
    await f.recycle();
    expect(await readdir(join(f.cacheDir, 'held'))).toEqual([]);
  }, 120_000);

  it('asks to be recycled when closed sessions kept the room, goes on answering, and follows again once it was', async () => {
    await using f = await following({
      use: { model: 'adder:prod', follow: { every: 5 } },
      start: { 'adder:prod': adder(0, { bytes: 1e6 }) },
      memoryMb: 158,
    });
    await f.warm();
    let recycled = 0;
    for (let move = 1; move <= moves; move++) {
      await f.move('adder:prod', adder(move, { bytes: 1e6 }));
      f.wait(3600);
      await until(async () => {
        const { status, added, said } = await f.ask();
        expect([status, added]).toEqual([200, said]);
        if (f.environment.wantsRecycling) {
          recycled++;
          await f.recycle();
        }
        return added === move;
      });
    }
    console.log(`recycled ${recycled} times in ${moves} moves with room for two versions`);
    expect(recycled).toBeGreaterThan(0);
    expect(f.lines.filter(({ message }) => message.includes('wants to be recycled'))).toHaveLength(recycled);
  });
});

const corrupt = [notOnnx, (number: number) => adder(number, { bytes: 1e6 }), otherSignature];

/** One of the corrupt versions is a good one whose bytes in the store are another's. */
async function tamper(store: string, built: BuiltVersion, move: number): Promise<void> {
  if ((move / 10) % corrupt.length !== 1) return;
  const { digest, size } = built.locked.files['model.onnx']!;
  await writeFile(join(store, blobKey('adder', digest)), new Uint8Array(size));
}

function says(fields: Readonly<Record<string, unknown>>, message: string, digest: string): boolean {
  return message.includes(digest) || String(fields['to']).endsWith(digest);
}
