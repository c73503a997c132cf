// Fifty promoters of one model at once, with delays of their own: the history is one line, and nobody wins in silence.

import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { GlowplugError } from '../../src/core/errors.ts';
import { seededRandom } from '../../src/core/seeded-random.ts';
import type { RecordedMove } from '../../src/models/moves.ts';
import { publish } from '../../src/models/publish.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { s3Store } from '../../src/models/stores/s3.ts';
import type { Store } from '../../src/models/stores/store.ts';
import { startS3Server } from '../../src/testing/s3/server.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { long } from '../runs.ts';
import { act, actionOf } from './act.ts';
import { flawsOf, movesOf, publishVersions, versionAt } from './channel.ts';
import { type TagAction, TagsModel } from './tags-model.ts';
import { virtualTime } from './virtual-time.ts';

const rounds = long ? 10 : 1;
const promoters = 50;
const contested = ['prod', 'candidate'];
const channels = [...contested, ...Array.from({ length: 20 }, (_, index) => `team-${index}`)];
const versions = ['1.0.0', '1.1.0', '2.0.0', '2.1.0', '10.0.0'];

interface TestStore extends AsyncDisposable {
  open(clock: Clock): Promise<Store>;
}

const stores: Record<string, (onRequest?: (command: string) => void) => Promise<TestStore>> = {
  'a folder': async () => {
    const folder = await temporaryFolder();
    return {
      open: async (clock) => folderStore(folder.path, clock),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  },
  S3: async (onRequest = () => {}) => {
    await using opening = new AsyncDisposableStack();
    const folder = opening.use(await temporaryFolder());
    const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'not-a-secret' };
    const server = opening.use(await startS3Server({ folder: folder.path, credentials }));
    const region = 'us-east-1';
    const client = new S3Client({ endpoint: server.url, region, credentials, forcePathStyle: true });
    opening.defer(() => client.destroy());
    await client.send(new CreateBucketCommand({ Bucket: 'models' }));
    // Behind the SDK's retries: what really goes out.
    client.middlewareStack.add(
      (next, { commandName = '' }) =>
        (args) => {
          onRequest(commandName);
          return next(args);
        },
      { step: 'deserialize', priority: 'low' },
    );
    const opened = opening.move();
    return {
      open: async (clock) => {
        const location = { bucket: 'models', prefix: '', region, endpoint: server.url };
        return await s3Store(location, { client, clock });
      },
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  },
};

describe.each(Object.entries(stores))('fifty promoters at once, in %s', (name, open) => {
  it('make one line of history that replays to what the channels name; the refused are told who won', async () => {
    const counts = { moved: 0, refused: 0, same: 0, requests: 0 };
    for (let seed = 1; seed <= rounds; seed++) {
      await using place = await open();
      const random = seededRandom(seed);
      const time = virtualTime(random);
      const plain = await place.open({ now: () => 0, sleep: async () => {} });
      await publishVersions(plain, ...versions);
      const store = time.delayed(await place.open(time.clock));

      const work = Array.from({ length: promoters }, async (_, index): Promise<RecordedMove | undefined> => {
        // Half of them begin at once, the others while those are at it.
        if (index % 2 === 1) await time.pause(Math.floor(random() * 300));
        // Every tenth publishes: its write of the index is one more that races.
        if (index % 10 === 9) await publish(store, tinyVersion(`3.0.${index}`));
        const at = new Date(Date.UTC(2026, 10, 24, 0, 0, index));
        return await act(store, randomAction(random), { by: `promoter-${index}`, now: () => at });
      });
      const results = await time.run(work);

      const history = await movesOf(plain);
      expect(await flawsOf(plain)).toEqual([]);
      const model = new TagsModel();
      for (const move of history)
        expect([move.number, model.apply(actionOf(move))]).toEqual([move.number, move.version]);
      for (const channel of channels) expect(await versionAt(plain, channel)).toBe(model.at(channel));

      const won: RecordedMove[] = [];
      for (const [index, result] of results.entries()) {
        if (result.status === 'fulfilled') {
          if (result.value) won.push(result.value);
          else counts.same++;
          continue;
        }
        counts.refused++;
        expectRefusal(result.reason, history, index);
      }
      expect(won.sort((a, b) => a.number - b.number)).toEqual(history);
      counts.moved += won.length;
      counts.requests += time.requests();
    }
    console.log(
      `${name}: ${rounds} × ${promoters} promoters, ${counts.moved} moved, ${counts.refused} refused, ${counts.same} had nothing to do, ${counts.requests} requests`,
    );
    expect(counts.moved).toBeGreaterThan(rounds * 8);
    expect(counts.refused).toBeGreaterThan(rounds * 5);
  }, 300_000);
});

describe('a tag over HTTP', () => {
  it('is one GetObject and one PutObject when nobody races, its record included', async () => {
    const sent: string[] = [];
    await using place = await stores['S3']!((command) => sent.push(command));
    const store = await place.open({ now: () => 0, sleep: async () => {} });
    await publishVersions(store, '1.0.0');
    sent.length = 0;
    await act(store, { do: 'tag', channel: 'prod', version: '1.0.0' });
    expect(sent).toEqual(['GetObjectCommand', 'PutObjectCommand']);
    expect(await movesOf(store)).toHaveLength(1);
  });
});

function randomAction(random: () => number): TagAction {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const channel = random() < 0.4 ? pick(contested) : pick(channels);
  const kind = random();
  if (kind < 0.8) return { do: 'tag', channel, version: pick(versions) };
  if (kind < 0.93) return { do: 'rollback', channel };
  return { do: kind < 0.98 ? 'yank' : 'unyank', version: pick(versions) };
}

/** A lost race names a winner of the history, with time and version; what else is refused says why. */
function expectRefusal(reason: unknown, history: readonly RecordedMove[], index: number): void {
  if (!(reason instanceof GlowplugError)) throw reason;
  expect(reason.code).toMatch(/^(STORE_CONFLICT|VERSION_YANKED|MODEL_NOT_FOUND)$/);
  const [, by, version, at] = /meanwhile (\S+) moved it to (\S+) at (\S+)$/.exec(reason.message) ?? [];
  if (by === undefined) {
    expect(reason.message).toMatch(
      /yanked it at|no channel to name|that .* named before|expected \S+ in tiny of .*, whose tags are /,
    );
    return;
  }
  expect(by).not.toBe(`promoter-${index}`);
  expect(history).toContainEqual(expect.objectContaining({ by, version, at }));
}
