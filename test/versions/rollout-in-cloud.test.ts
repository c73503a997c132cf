// A rollout where it is used: functions of the local cloud that follow a channel, behind an alias with Lambda's weights.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { serializeLock } from '../../src/models/lock.ts';
import { findTag, readIndex } from '../../src/models/model-index.ts';
import { publish } from '../../src/models/publish.ts';
import { s3Store } from '../../src/models/stores/s3.ts';
import { tag } from '../../src/models/tag.ts';
import { errorRule, inAlarm } from '../../src/observe/alarm-rule.ts';
import { aliasWeight, channelWeight, type RolloutState, rollOut } from '../../src/release/index.ts';
import { startLocalCloud } from '../../src/testing/index.ts';
import { root } from '../root.ts';
import { testApp } from '../testing/app.ts';
import { adder } from './adder.ts';
import { bundleAdder } from './bundle-adder.ts';
import { type Event, rolloutPicture } from './rollout-picture.ts';

/** Its owner's check takes 1 and 2 for right answers: version 13 computes something else. */
const bad = 13;

it('a bad version goes to 10 %, its errors cross the alarm’s rule, alias and channel return, and no request is lost', async () => {
  using app = testApp({});
  const locked = { 'adder:prod': adder(1).locked, 'adder:candidate': adder(1).locked };
  writeFileSync(join(app.root, 'lock.json'), serializeLock({ lockVersion: 1, models: locked }));
  const code = await bundleAdder(
    `{ model: 'adder:prod', follow: { every: 0.001 }, split: { to: 'adder:candidate', percent: 'rollout', by: 'x-user' } }`,
    "if (y.data[0] > 2) throw new Error('this cannot be'); return { added: y.data[0] };",
  );
  // Two versions of one function, as Lambda keeps them.
  for (const version of ['v1', 'v2']) {
    app.write(version, `${code}\n// ${version}`, {
      MemorySize: 512,
      Environment: {
        Variables: {
          GLOWPLUG_STORE: { 'Fn::Join': ['', ['s3://', { Ref: 'Models' }]] },
          GLOWPLUG_LOCK: join(app.root, 'lock.json'),
        },
      },
    });
  }
  await using cloud = await startLocalCloud({ root: app.root });
  const where = { bucket: 'a-models', prefix: '', region: cloud.region, endpoint: cloud.s3Endpoint };
  const store = await s3Store(where, { credentials: cloud.credentials });
  await move(adder(1), 'prod');
  await move(adder(bad), 'candidate');

  const alias = { version: 'v1', weights: {} as Readonly<Record<string, number>> };
  const seen = { sent: 0, answered: 0, failed: 0, byCandidate: 0, byNewCode: 0 };
  let period = { bad: 0, all: 0 };
  const events: Event[] = [];
  const states: { at: number; state: RolloutState }[] = [];
  /** A step's time is sixty requests. */
  const clock: Clock = { now: () => 0, sleep: () => traffic(60) };
  const watched = {
    steps: [10, 50],
    secondsPerStep: 60,
    clock,
    onStep: (state: RolloutState) => void states.push({ at: events.length, state }),
    async alarms() {
      const on = inAlarm(errorRule, [period]);
      period = { bad: 0, all: 0 };
      return on ? ['errors'] : [];
    },
  };
  const weights = () => [
    channelWeight(store, 'adder', { by: 'a test' }),
    aliasWeight({
      from: 'v1',
      to: 'v2',
      update: async (version, routing) => void Object.assign(alias, { version, weights: routing }),
    }),
  ];

  await traffic(20);
  expect(seen.failed).toBe(0);
  const worse = await rollOut({ ...watched, weights: weights() });
  expect(worse).toEqual({ status: 'went back', percent: 0, alarms: ['errors'] });
  expect(alias).toEqual({ version: 'v1', weights: {} });
  expect(await named('prod')).toBe(adder(1).locked.digest);
  expect(seen.byNewCode).toBeGreaterThan(0);
  // Every failure is the candidate's own.
  expect(seen.failed).toBe(seen.byCandidate);
  expect(seen.failed).toBeGreaterThan(0);
  const first = { ...seen };
  const wentBack = { events: events.length, states: states.length };
  // Within a look or two of each environment the share is gone.
  await traffic(10);
  const settled = seen.failed;
  await traffic(60);
  expect(seen.failed).toBe(settled);

  await move(adder(2), 'candidate');
  await traffic(20);
  const better = await rollOut({ ...watched, weights: weights() });
  expect(better).toEqual({ status: 'done', percent: 100 });
  expect(alias).toEqual({ version: 'v2', weights: {} });
  expect(await named('prod')).toBe(adder(2).locked.digest);
  await traffic(20);
  expect(seen.failed).toBe(settled);
  expect(seen.answered).toBe(seen.sent);
  const [back, done] = [wentBack.events + 70, wentBack.states];
  const picture = rolloutPicture([
    { title: 'a bad version', events: events.slice(0, back), states: states.slice(0, done) },
    {
      title: 'a good version',
      events: events.slice(back),
      states: states.slice(done).map(({ at, state }) => ({ at: at - back, state })),
    },
  ]);
  expect(picture).toContain('went back: errors');
  // npm test draws it, and keeps it where it is asked to.
  if (process.env['GLOWPLUG_PICTURES']) writeFileSync(join(root, 'docs/guide/roll-out.svg'), picture);
  console.log(
    `rollouts in the local cloud: the bad one ${JSON.stringify(first)}; all in all ${JSON.stringify(seen)}, 0 lost`,
  );

  async function move(built: ReturnType<typeof adder>, channel: string): Promise<void> {
    await publish(store, built);
    await tag(store, 'adder', { from: built.locked.version, to: channel });
  }

  async function named(channel: string) {
    return findTag((await readIndex(store, 'adder'))?.manifests ?? [], channel)?.digest;
  }

  async function traffic(requests: number): Promise<void> {
    for (let at = 0; at < requests; at++) {
      const number = seen.sent++;
      // The alias draws by its weights: here every tenth, for 10 %.
      const version = Object.entries(alias.weights).find(([, share]) => number % 10 < share * 10)?.[0] ?? alias.version;
      if (version === 'v2') seen.byNewCode++;
      const init = { method: 'POST', body: '{}', headers: { 'x-user': `user-${number}` } };
      const response = await cloud.function(version).fetch('/', init);
      seen.answered++;
      period.all++;
      if (response.headers.get('x-glowplug-model')?.includes(`adder:${bad}.`)) seen.byCandidate++;
      const isNew = / ?m=adder:(?:2|13)\./.test(response.headers.get('x-glowplug-model') ?? '');
      events.push({ kind: response.status !== 200 ? 'failed' : isNew ? 'new' : 'old' });
      if (response.status === 200) continue;
      expect(response.status).toBe(500);
      seen.failed++;
      period.bad++;
    }
  }
}, 60_000);
