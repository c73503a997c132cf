// A tag or a rollback that is killed at any of its requests leaves the old index or the new one, and nothing to mend.
import { describe, expect, it } from 'vitest';
import { folderStore } from '../../src/models/stores/folder.ts';
import type { Store } from '../../src/models/stores/store.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { act } from './act.ts';
import { flawsOf, movesOf, publishVersions, versionAt } from './channel.ts';
import { killAt } from './kill-at.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';
import type { TagAction } from './tags-model.ts';

const actions: Record<string, TagAction> = {
  tag: { do: 'tag', channel: 'prod', version: '3.0.0' },
  rollback: { do: 'rollback', channel: 'prod' },
  yank: { do: 'yank', version: '3.0.0' },
};
/** 127 moves: the next one writes a page of history besides. */
const histories = { 'a short history': 2, 'a history whose page is due': 127 };

describe.each(Object.entries(actions))('%s, killed at each of its requests in turn', (_name, action) => {
  it.each(Object.entries(histories))(
    'with %s: before or after, nothing between, and the next move succeeds',
    async (_what, moves) => {
      const prepared: MemoryStore['objects'] = new Map();
      await prepare(memoryStore(prepared).store, moves);
      const before = await versionAt(memoryStore(prepared).store, 'prod');
      let kills = 0;
      for (const applied of [false, true]) {
        for (let at = 1; ; at++) {
          const { store } = memoryStore(new Map(prepared));
          if (!(await killAt(store, at, applied, (dying) => act(dying, action)))) break;
          kills++;
          const history = await movesOf(store);
          expect(await flawsOf(store)).toEqual([]);
          expect([moves, moves + 1]).toContain(history.length);
          if (history.length === moves) expect(await versionAt(store, 'prod')).toBe(before);
          await act(store, { do: 'tag', channel: 'prod', version: '4.0.0' });
          expect(await versionAt(store, 'prod')).toBe('4.0.0');
          expect(await flawsOf(store)).toEqual([]);
        }
      }
      console.log(`${action.do} after ${moves} moves: killed at ${kills} places`);
      expect(kills).toBe(moves === 127 ? 6 : 4);
    },
  );
});

describe('a tag in a folder, killed at each of its requests', () => {
  it('leaves the old index or the new one', async () => {
    for (const applied of [false, true]) {
      for (const at of [1, 2]) {
        await using folder = await temporaryFolder();
        const store = folderStore(folder.path);
        await prepare(store, 2);
        expect(await killAt(store, at, applied, (dying) => act(dying, actions['tag']!))).toBe(true);
        expect(await versionAt(store, 'prod')).toBe(at === 2 && applied ? '3.0.0' : '2.0.0');
        expect(await flawsOf(store)).toEqual([]);
      }
    }
  });
});

async function prepare(store: Store, moves: number): Promise<void> {
  await publishVersions(store, '1.0.0', '2.0.0', '3.0.0', '4.0.0');
  for (let move = moves; move > 0; move--) {
    await act(store, { do: 'tag', channel: 'prod', version: move % 2 === 0 ? '1.0.0' : '2.0.0' });
  }
}
