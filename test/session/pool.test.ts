import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetFor } from '../../src/session/budget.ts';
import { fakeSession } from '../../src/session/fake.ts';
import { SessionPool, type Wanted } from '../../src/session/pool.ts';
import { runs } from '../runs.ts';

const signature = { inputs: {}, outputs: {} };

function model(key: string, bytes = 10) {
  const sessions: ReturnType<typeof fakeSession>[] = [];
  const wanted: Wanted = {
    key,
    estimate: bytes,
    async open() {
      const session = fakeSession({ signature, answer: () => ({}), bytes });
      sessions.push(session);
      return session;
    },
  };
  return { wanted, sessions };
}

describe('session pool', () => {
  it('opens a session once for twenty who ask at the same time', async () => {
    await using pool = new SessionPool(100);
    const { wanted, sessions } = model('a');
    const leases = await Promise.all(Array.from({ length: 20 }, () => pool.lease(wanted)));
    expect(sessions).toHaveLength(1);
    expect(new Set(leases.map((lease) => lease.session)).size).toBe(1);
  });

  it('closes the one used longest ago when a new one would go over the budget', async () => {
    await using pool = new SessionPool(25);
    const [a, b, c] = [model('a'), model('b'), model('c')];
    for (const { wanted } of [a, b, a, c]) (await pool.lease(wanted))[Symbol.dispose]();
    expect([a, b, c].map(({ sessions }) => sessions[0]!.disposed)).toEqual([false, true, false]);
  });

  it('never closes a leased session: the newcomer waits until it comes back', async () => {
    await using pool = new SessionPool(15);
    const [a, b] = [model('a'), model('b')];
    const held = await pool.lease(a.wanted);
    let came = false;
    const waiting = pool.lease(b.wanted).then((lease) => {
      came = true;
      return lease;
    });
    await new Promise(setImmediate);
    expect(came).toBe(false);
    expect(a.sessions[0]!.disposed).toBe(false);
    held[Symbol.dispose]();
    (await waiting)[Symbol.dispose]();
    expect(a.sessions[0]!.disposed).toBe(true);
  });

  it('counts what closed sessions keep, up to five of the largest, and says when only that stands in the way', async () => {
    await using pool = new SessionPool(1000);
    const beside = async (name: string) =>
      (await pool.leaseBeside(model(name, 100).wanted, () => true))[Symbol.dispose]();
    for (let at = 0; at < 200; at++) await beside(`v${at}`);
    expect(pool.keptBytes).toBe(500);
    expect(pool.bytes).toBeLessThanOrEqual(1000);
    const large = model('large', 600).wanted;
    await expect(pool.leaseBeside(large, () => true)).rejects.toMatchObject({ code: 'MEMORY_BUDGET' });
    expect(pool.fitsWithoutKept(large)).toBe(true);
  });

  it('makes room beside others by closing what may be closed, and never waits', async () => {
    await using pool = new SessionPool(30);
    const [a, b, c] = [model('a'), model('b'), model('c')];
    for (const { wanted } of [a, b, c]) (await pool.lease(wanted))[Symbol.dispose]();
    await expect(pool.leaseBeside(model('d').wanted, () => false)).rejects.toMatchObject({
      code: 'MEMORY_BUDGET',
      message: 'expected room for about 1 MB beside 1 MB of 1 MB (0 MB kept by closed sessions)',
    });
    (await pool.leaseBeside(model('d', 8).wanted, (key) => key === 'b'))[Symbol.dispose]();
    expect([a, b, c].map(({ sessions }) => sessions[0]!.disposed)).toEqual([false, true, false]);
  });

  it('refuses a model that alone is over the budget, with both figures and the memory in which it fits', async () => {
    await using pool = new SessionPool(5e6);
    await expect(pool.lease(model('a', 9e6).wanted)).rejects.toMatchObject({
      message: 'expected models of at most 5 MB in memory, got one that needs about 9 MB',
      remedy: 'Give the function at least 162 MB of memory.',
    });
    expect(budgetFor(162)).toBeGreaterThanOrEqual(9e6);
  });

  it('forgets a failed opening: the next caller tries again, and no bytes stay set aside', async () => {
    await using pool = new SessionPool(15);
    const good = model('a');
    await expect(pool.lease({ ...good.wanted, open: () => Promise.reject(new Error('cut off')) })).rejects.toThrow(
      'cut off',
    );
    expect(pool.bytes).toBe(0);
    (await pool.lease(good.wanted))[Symbol.dispose]();
    expect(good.sessions).toHaveLength(1);
  });

  it('lets a waiting caller go when its signal aborts', async () => {
    await using pool = new SessionPool(15);
    using _held = await pool.lease(model('a').wanted);
    await expect(pool.lease(model('b').wanted, AbortSignal.timeout(5))).rejects.toThrow(/timeout/);
  });

  it('gives room in order of arrival, however constantly the others are used', async () => {
    await using pool = new SessionPool(25);
    const [a, b, c, d] = [model('a'), model('b'), model('c', 20), model('d')];
    let ended = false;
    /** Two users of a model: one always holds it. */
    const inConstantUse = async ({ wanted }: typeof a) => {
      let held = await pool.lease(wanted);
      while (!ended) {
        const next = pool.lease(wanted);
        await new Promise(setImmediate);
        held[Symbol.dispose]();
        held = await next;
      }
      held[Symbol.dispose]();
    };
    const users = [inConstantUse(a), inConstantUse(b)];
    await new Promise(setImmediate);
    const order: string[] = [];
    const others = [c, d].map(async ({ wanted }) => {
      const lease = await pool.lease(wanted, AbortSignal.timeout(2000));
      order.push(wanted.key);
      lease[Symbol.dispose]();
    });
    await Promise.all(others);
    ended = true;
    await Promise.all(users);
    expect(order).toEqual(['c', 'd']);
  });

  it('goes on lending what need not go for the one who waits', async () => {
    await using pool = new SessionPool(25);
    const [a, b, c] = [model('a'), model('b'), model('c')];
    const [oldest, other] = [await pool.lease(a.wanted), await pool.lease(b.wanted)];
    const waiting = pool.lease(c.wanted);
    (await pool.lease(b.wanted))[Symbol.dispose]();
    let again = false;
    const later = pool.lease(a.wanted).then((lease) => {
      again = true;
      return lease;
    });
    await new Promise(setImmediate);
    expect(again).toBe(false);
    oldest[Symbol.dispose]();
    (await waiting)[Symbol.dispose]();
    (await later)[Symbol.dispose]();
    other[Symbol.dispose]();
    expect([a, b, c].map(({ sessions }) => sessions.length)).toEqual([2, 1, 1]);
  });

  it('lends again what was to go when nobody waits for its room any more', async () => {
    await using pool = new SessionPool(15);
    const a = model('a');
    using _held = await pool.lease(a.wanted);
    const gone = new AbortController();
    const waiting = pool.lease(model('b').wanted, gone.signal);
    const behind = pool.lease(a.wanted);
    gone.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    (await behind)[Symbol.dispose]();
    expect(a.sessions).toHaveLength(1);
  });

  it('counts what released sessions keep, yet never locks out a model that alone fits', async () => {
    await using pool = new SessionPool(10);
    for (let i = 0; i < 50; i++) (await pool.lease(model(`m${i}`).wanted))[Symbol.dispose]();
    expect(pool.bytes).toBeGreaterThan(10);
  });

  it('refuses leases after it is disposed, and disposing twice closes each session once', async () => {
    const pool = new SessionPool(100);
    const { wanted, sessions } = model('a');
    (await pool.lease(wanted))[Symbol.dispose]();
    await pool[Symbol.asyncDispose]();
    await pool[Symbol.asyncDispose]();
    expect(sessions[0]!.disposed).toBe(true);
    await expect(pool.lease(wanted)).rejects.toThrow('disposed');
  });

  it('holds under random schedules: no leased session is closed, nobody hangs', async () => {
    let schedules = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.integer({ min: 0, max: 4 }), hold: fc.integer({ min: 0, max: 3 }) }), {
          maxLength: 30,
        }),
        async (steps) => {
          schedules++;
          await using pool = new SessionPool(25);
          const models = Array.from({ length: 5 }, (_, i) => model(`m${i}`));
          await Promise.all(
            steps.map(async ({ key, hold }) => {
              using lease = await pool.lease(models[key]!.wanted);
              for (let i = 0; i < hold; i++) await new Promise(setImmediate);
              const inside = models[key]!.sessions.find((session) => session === lease.session);
              expect(inside?.disposed).toBe(false);
            }),
          );
        },
      ),
      { numRuns: runs(200) },
    );
    console.log(`session pool: ${schedules} random schedules`);
  });
});
