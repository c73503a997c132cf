// A rollout's decisions: on by shares, back at the first alarm, and nothing half done.
import { describe, expect, it } from 'vitest';
import { findTag, readIndex } from '../../src/models/model-index.ts';
import { publish } from '../../src/models/publish.ts';
import { setShare, shareOf } from '../../src/models/share.ts';
import { tag } from '../../src/models/tag.ts';
import { errorRule, inAlarm } from '../../src/observe/alarm-rule.ts';
import { aliasWeight, channelWeight, notBegun, rollOut, rolloutStep, type Weight } from '../../src/release/index.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { memoryStore } from '../versions/memory-store.ts';
import { testClock } from '../versions/test-clock.ts';

const steps = [10, 50];

describe('rolloutStep', () => {
  it('goes up step by step, then gives everything', async () => {
    const { weight, calls } = recorded();
    let state = await rolloutStep(notBegun, { weights: [weight], steps, alarms: [] });
    expect(state).toEqual({ status: 'shifting', percent: 10 });
    state = await rolloutStep(state, { weights: [weight], steps, alarms: [] });
    state = await rolloutStep(state, { weights: [weight], steps, alarms: [] });
    expect(state).toEqual({ status: 'done', percent: 100 });
    expect(await rolloutStep(state, { weights: [weight], steps, alarms: ['late'] })).toBe(state);
    expect(calls).toEqual(['shift 10', 'shift 50', 'finish']);
  });

  it('goes back at an alarm, the last weight first, and says which', async () => {
    const calls: string[] = [];
    const weights = [recorded('channel ', calls).weight, recorded('alias ', calls).weight];
    const state = await rolloutStep({ status: 'shifting', percent: 10 }, { weights, steps, alarms: ['errors'] });
    expect(state).toEqual({ status: 'went back', percent: 0, alarms: ['errors'] });
    expect(calls).toEqual(['alias back', 'channel back']);
  });

  it('takes back what failed half way, whichever weight failed', async () => {
    for (const failing of [0, 1]) {
      const calls: string[] = [];
      const weights = [recorded('0 ', calls, failing === 0).weight, recorded('1 ', calls, failing === 1).weight];
      await expect(rolloutStep(notBegun, { weights, steps, alarms: [] })).rejects.toThrow('no shift today');
      expect(calls.slice(-2)).toEqual(['1 back', '0 back']);
    }
  });

  it.each([[[]], [[0, 10]], [[50, 10]], [[10, 100]]])('refuses the steps %j', async (wrong) => {
    await expect(rolloutStep(notBegun, { weights: [], steps: wrong, alarms: [] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

describe('rollOut', () => {
  it('waits a step’s time before it looks, and ends at the alarm', async () => {
    const { weight, calls } = recorded();
    const clock = testClock();
    const told: string[] = [];
    const state = await rollOut({
      weights: [weight],
      steps,
      secondsPerStep: 300,
      clock,
      alarms: async () => (clock.now() >= 600_000 ? ['errors'] : []),
      onStep: ({ status, percent }) => told.push(`${clock.now() / 1000} s: ${status} ${percent}`),
    });
    expect(state.status).toBe('went back');
    expect(told).toEqual(['0 s: shifting 10', '300 s: shifting 50', '600 s: went back 0']);
    expect(calls.at(-1)).toBe('back');
  });
});

describe('channelWeight', () => {
  it('moves the channel at the end, and the share goes with it', async () => {
    const { store, weight, named, share } = await twoVersions();
    await weight.shift(10);
    expect([await named('prod'), await share()]).toEqual(['1.0.0', 10]);
    await weight.finish();
    expect([await named('prod'), await share()]).toEqual(['2.0.0', undefined]);
    expect(store.name).toBe('memory');
  });

  it('goes back from a share, and from a move that was the first half of something', async () => {
    for (const far of ['share', 'moved', 'moved, and the process died before its share was gone'] as const) {
      const { store, weight, named, share } = await twoVersions();
      await weight.shift(10);
      if (far === 'moved') await weight.finish();
      if (far.startsWith('moved,')) await tag(store, 'tiny', { from: 'candidate', to: 'prod' });
      await (far.startsWith('moved,') ? channelWeight(store, 'tiny') : weight).goBack();
      expect([await named('prod'), await share()], far).toEqual(['1.0.0', undefined]);
    }
  });

  it('refuses a candidate that is in production already, and leaves production alone', async () => {
    const { store, weight, named } = await twoVersions();
    await tag(store, 'tiny', { from: '2.0.0', to: 'prod' });
    await expect(rolloutStep(notBegun, { weights: [weight], steps, alarms: [] })).rejects.toMatchObject({
      code: 'STORE_CONFLICT',
      remedy: expect.stringContaining('--as candidate'),
    });
    expect(await named('prod')).toBe('2.0.0');
  });

  it('says of a model that is not there only that', async () => {
    const { store } = await twoVersions();
    const step = rolloutStep(notBegun, { weights: [channelWeight(store, 'tny')], steps, alarms: [] });
    await expect(step).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND', message: 'expected tny:candidate in memory' });
  });

  it('gives no share to a version that takes the candidate’s place', async () => {
    const { store, weight, share } = await twoVersions();
    await weight.shift(10);
    await publish(store, tinyVersion('3.0.0'));
    await tag(store, 'tiny', { from: '3.0.0', to: 'candidate' });
    const { index } = (await readIndex(store, 'tiny'))!;
    expect(await share()).toBe(10);
    expect(shareOf(index, 'candidate')?.digest).not.toBe(findTag(index.manifests, 'candidate')?.digest);
  });

  it.each([-1, 101, Number.NaN])('refuses a share of %s percent', async (percent) => {
    const { store } = await twoVersions();
    await expect(setShare(store, 'tiny', 'candidate', percent)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

it('aliasWeight routes by Lambda’s weights', async () => {
  const updates: unknown[] = [];
  const update = async (version: string, weights: object) => void updates.push([version, weights]);
  const weight = aliasWeight({ update, from: '7', to: '8' });
  await weight.shift(10);
  await weight.finish();
  await weight.goBack();
  expect(updates).toEqual([
    ['7', { 8: 0.1 }],
    ['8', {}],
    ['7', {}],
  ]);
});

describe('inAlarm', () => {
  it.each([
    ['one of forty', [{ bad: 1, all: 40 }], true],
    ['one of fifty', [{ bad: 1, all: 50 }], false],
    ['one of nineteen, which says nothing', [{ bad: 1, all: 19 }], false],
    [
      'a period before the last',
      [
        { bad: 9, all: 40 },
        { bad: 0, all: 40 },
      ],
      false,
    ],
    ['no period', [], false],
  ])('%s', (_what, periods, expected) => {
    expect(inAlarm(errorRule, periods)).toBe(expected);
  });

  it('wants as many bad periods as the rule says, of as many', () => {
    const bad = { bad: 9, all: 40 };
    const good = { bad: 0, all: 40 };
    const rule = { ...errorRule, bad: 2, of: 3 };
    expect(inAlarm(rule, [bad, good, bad])).toBe(true);
    expect(inAlarm(rule, [bad, good, good])).toBe(false);
    expect(inAlarm(rule, [bad, bad, good, good])).toBe(false);
  });
});

function recorded(name = '', calls: string[] = [], fails = false): { weight: Weight; calls: string[] } {
  const weight: Weight = {
    async shift(percent) {
      calls.push(`${name}shift ${percent}`);
      if (fails) throw new Error('no shift today');
    },
    finish: async () => void calls.push(`${name}finish`),
    goBack: async () => void calls.push(`${name}back`),
  };
  return { weight, calls };
}

/** tiny:prod is 1.0.0, tiny:candidate is 2.0.0. */
async function twoVersions() {
  const { store } = memoryStore();
  for (const [version, channel] of [
    ['1.0.0', 'prod'],
    ['2.0.0', 'candidate'],
  ] as const) {
    await publish(store, tinyVersion(version));
    await tag(store, 'tiny', { from: version, to: channel });
  }
  const index = async () => (await readIndex(store, 'tiny'))!.index;
  return {
    store,
    weight: channelWeight(store, 'tiny', { by: 'a test' }),
    async named(channel: string) {
      const { manifests } = await index();
      const digest = findTag(manifests, channel)?.digest;
      return ['1.0.0', '2.0.0'].find((version) => findTag(manifests, version)?.digest === digest);
    },
    share: async () => shareOf(await index(), 'candidate')?.percent,
  };
}
