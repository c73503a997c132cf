// Does to a store what an action says, and tells what came of it in the words of the tags' model.
import { GlowplugError } from '../../src/core/errors.ts';
import type { RecordedMove } from '../../src/models/moves.ts';
import type { Actor } from '../../src/models/record-move.ts';
import { rollback } from '../../src/models/rollback.ts';
import type { Store } from '../../src/models/stores/store.ts';
import { tag } from '../../src/models/tag.ts';
import { yank } from '../../src/models/yank.ts';
import type { TagAction } from './tags-model.ts';

/** Undefined when nothing was to be done. */
export async function act(store: Store, action: TagAction, actor: Actor = {}): Promise<RecordedMove | undefined> {
  switch (action.do) {
    case 'tag':
      return (await tag(store, 'tiny', { from: action.version, to: action.channel, ...actor })).move;
    case 'rollback':
      return await rollback(store, 'tiny', { channel: action.channel, ...actor });
    default:
      return await yank(store, 'tiny', { version: action.version, undo: action.do === 'unyank', ...actor });
  }
}

export async function outcomeOf(store: Store, action: TagAction): Promise<string> {
  try {
    return (await act(store, action))?.version ?? 'same';
  } catch (error) {
    if (error instanceof GlowplugError) return error.code;
    throw error;
  }
}

/** What a recorded move did, to be replayed against the model. */
export function actionOf({ kind, tag: of, version }: RecordedMove): TagAction {
  if (kind === 'tag') return { do: 'tag', channel: of, version };
  return kind === 'rollback' ? { do: 'rollback', channel: of } : { do: kind, version };
}
