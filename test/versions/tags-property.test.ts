// Random schedules of moves, rollbacks and yanks, against a model of twenty lines.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { long } from '../runs.ts';
import { act, actionOf, outcomeOf } from './act.ts';
import { flawsOf, movesOf, publishVersions, versionAt } from './channel.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';
import { type TagAction, TagsModel } from './tags-model.ts';

const channels = ['prod', 'candidate', 'canary'];
const versions = ['1.0.0', '1.1.0', '2.0.0', '2.1.0', '10.0.0'];

const channel = fc.constantFrom(...channels);
const version = fc.constantFrom(...versions);
const action: fc.Arbitrary<TagAction> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('tag'), channel, version }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('rollback'), channel }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('yank'), version }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unyank'), version }) },
);

describe('any schedule of moves, rollbacks and yanks', () => {
  it('does what the model says, step by step, and its history replays to the same end', async () => {
    // So many moves have been made already that the first page of history is about to be written.
    const earlier: TagAction[] = Array.from({ length: 120 }, (_, step) => ({
      do: 'tag',
      channel: channels[step % 2]!,
      version: versions[(step * 2) % versions.length]!,
    }));
    const prepared: MemoryStore['objects'] = new Map();
    await publishVersions(memoryStore(prepared).store, ...versions);
    for (const step of earlier) await act(memoryStore(prepared).store, step);

    let actions = 0;
    let moves = 0;
    const schedule = fc.array(action, { maxLength: 150, size: 'max' });
    await fc.assert(
      fc.asyncProperty(schedule, async (steps) => {
        const { store } = memoryStore(new Map(prepared));
        const model = new TagsModel();
        for (const step of earlier) model.apply(step);
        for (const step of steps) expect([step, await outcomeOf(store, step)]).toEqual([step, model.apply(step)]);
        for (const one of channels) expect([one, await versionAt(store, one)]).toEqual([one, model.at(one)]);

        expect(await flawsOf(store)).toEqual([]);
        const history = await movesOf(store);
        const replayed = new TagsModel();
        for (const move of history) expect(replayed.apply(actionOf(move))).toBe(move.version);
        for (const one of channels) expect(replayed.at(one)).toBe(model.at(one));
        actions += steps.length;
        moves += history.length - earlier.length;
      }),
      { numRuns: long ? 300 : 30 },
    );
    console.log(`actions on tags: ${actions}, of which ${moves} were moves`);
  }, 300_000);

  it('goes back through every page of history to the first version', async () => {
    const { store } = memoryStore();
    await publishVersions(store, ...versions);
    const path: string[] = [];
    for (let step = 0; step < 300; step++) {
      path.push(versions[step % versions.length]!);
      await act(store, { do: 'tag', channel: 'prod', version: path.at(-1)! });
    }
    while (path.length > 1) {
      path.pop();
      expect(await outcomeOf(store, { do: 'rollback', channel: 'prod' })).toBe(path.at(-1));
    }
    expect(await outcomeOf(store, { do: 'rollback', channel: 'prod' })).toBe('MODEL_NOT_FOUND');
    expect(await movesOf(store)).toHaveLength(599);
  });
});
