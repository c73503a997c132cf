// A weighted split: who is on which side, for how long, and what happens when the other side cannot answer.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readUse } from '../../src/handler/model-use.ts';
import { onOtherSide } from '../../src/handler/split.ts';
import { setShare } from '../../src/models/share.ts';
import { long } from '../runs.ts';
import { adder, notOnnx, otherSignature } from './adder.ts';
import { following, until } from './following.ts';

const start = { 'adder:prod': adder(1), 'adder:candidate': adder(2) };
const split = { to: 'adder:candidate', percent: 20, by: 'x-user' };

describe('the side of a key', () => {
  it('is as often the other as its share says', () => {
    const keys = long ? 200_000 : 20_000;
    const shares = [0, 1, 5, 50, 95, 100];
    const found = shares.map((percent) => {
      let other = 0;
      for (let key = 0; key < keys; key++) if (onOtherSide('adder', `user-${key}`, percent)) other++;
      return (other / keys) * 100;
    });
    console.log(
      `split of ${keys} keys: ${shares.map((share, at) => `${share} % → ${found[at]!.toFixed(2)} %`).join(', ')}`,
    );
    shares.forEach((share, at) => {
      // Four standard deviations of a fair draw.
      const allowed = 400 * Math.sqrt(((share / 100) * (1 - share / 100)) / keys);
      expect(Math.abs(found[at]! - share)).toBeLessThanOrEqual(allowed);
    });
  });

  it('stays the same, and whoever is on it stays when the share grows', () => {
    const runs = long ? 5_000 : 500;
    const percent = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.string(), percent, percent, (key, one, two) => {
        const [less, more] = [Math.min(one, two), Math.max(one, two)];
        expect(onOtherSide('adder', key, one)).toBe(onOtherSide('adder', key, one));
        if (onOtherSide('adder', key, less)) expect(onOtherSide('adder', key, more)).toBe(true);
      }),
      { numRuns: runs },
    );
    console.log(`sides of ${runs} keys under two shares each`);
  });

  it('is drawn anew for each model', () => {
    const keys = Array.from({ length: 1000 }, (_, key) => `user-${key}`);
    const both = keys.filter((key) => onOtherSide('det', key, 50) && onOtherSide('rec', key, 50));
    expect(both.length).toBeGreaterThan(200);
    expect(both.length).toBeLessThan(300);
  });
});

describe('a function with a split', () => {
  it('keeps a caller with one version, and tells which', async () => {
    await using f = await following({ use: { model: 'adder:prod', split }, start });
    await f.warm();
    const users = Array.from({ length: 200 }, (_, user) => `user-${user}`);
    const others = users.filter((user) => onOtherSide('adder', user, 20));
    for (const user of [...users, ...users.slice(0, 20)]) {
      const { added, said, version } = await f.ask({ 'x-user': user });
      expect([added, said, version.slice(0, 11)]).toEqual(
        others.includes(user) ? [2, 2, 'm=adder:2.0'] : [1, 1, 'm=adder:1.0'],
      );
    }
    expect(others.length).toBeGreaterThan(20);
  });

  it('splits by the request’s own id where there is no key, and by what the owner makes of a request', async () => {
    await using f = await following({ use: { model: 'adder:prod', split }, start });
    await f.warm();
    const ids = Array.from({ length: 40 }, (_, id) => `r-${id}`);
    const added = [];
    for (const id of ids) added.push((await f.ask({}, id)).added);
    expect(added).toEqual(ids.map((id) => (onOtherSide('adder', id, 20) ? 2 : 1)));

    const by = (request: Request) => request.headers.get('x-tenant')?.toLowerCase();
    await using g = await following({ use: { model: 'adder:prod', split: { ...split, percent: 50, by } }, start });
    await g.warm();
    for (const tenant of ['Acme', 'ACME', 'acme']) {
      expect((await g.ask({ 'x-tenant': tenant })).added).toBe(onOtherSide('adder', 'acme', 50) ? 2 : 1);
    }
  });

  it.each([
    ['cannot be opened', notOnnx(2), 'MODEL_INVALID'],
    ['has another signature', otherSignature(2), 'MODEL_UNSUPPORTED'],
  ])('answers everybody with the first version when the other %s, and says so once', async (_what, bad, code) => {
    await using f = await following({
      use: { model: 'adder:prod', split: { ...split, percent: 100 } },
      start: { 'adder:prod': adder(1), 'adder:candidate': bad },
    });
    await f.warm();
    for (let request = 0; request < 20; request++) expect((await f.ask()).added).toBe(1);
    expect(f.lines).toMatchObject([{ level: 'warn', fields: { code, answers: 'none' } }]);
  });

  it('follows both channels: a promotion of the candidate reaches both sides', async () => {
    await using f = await following({
      use: { model: 'adder:prod', follow: { every: 60 }, split: { ...split, percent: 50 } },
      start,
    });
    await f.warm();
    const [mine, theirs] = ['user-0', 'user-1', 'user-2', 'user-3', 'user-4', 'user-5']
      .toSorted((a, b) => Number(onOtherSide('adder', a, 50)) - Number(onOtherSide('adder', b, 50)))
      .filter((_, at) => at === 0 || at === 5);
    const answers = async () => [(await f.ask({ 'x-user': mine! })).added, (await f.ask({ 'x-user': theirs! })).added];
    expect(await answers()).toEqual([1, 2]);
    await f.move('adder:prod', adder(2));
    await f.move('adder:candidate', adder(3));
    f.wait(60);
    await until(async () => String(await answers()) === '2,3');
  });

  it('follows the share that a rollout writes, for the version it is for, and starts at none', async () => {
    const use = { model: 'adder:prod', follow: { every: 60 }, split: { ...split, percent: 'rollout' as const } };
    await using f = await following({ use, start });
    await f.warm();
    const users = Array.from({ length: 40 }, (_, user) => `user-${user}`);
    const others = (percent: number) => users.filter((user) => onOtherSide('adder', user, percent));
    const onOther = async () => {
      const found = [];
      for (const user of users) if ((await f.ask({ 'x-user': user })).added !== 1) found.push(user);
      return found;
    };
    expect(await onOther()).toEqual([]);
    for (const percent of [10, 50, 0]) {
      await setShare(f.store, 'adder', 'candidate', percent);
      f.wait(60);
      await until(async () => String(await onOther()) === String(others(percent)));
    }
    // Another candidate begins at none again.
    await setShare(f.store, 'adder', 'candidate', 100);
    await f.move('adder:candidate', adder(3));
    f.wait(60);
    await until(async () => (await onOther()).length === 0);
  });

  it('refuses the share of a rollout that it would not hear of', () => {
    const use = { model: 'adder:prod', split: { ...split, percent: 'rollout' as const } };
    expect(() => readUse('m', use)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('models.m.follow: expected seconds'),
      }),
    );
  });
});
