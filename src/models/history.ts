// Every move of a model's tags, the newest first.
import { GlowplugError } from '../core/errors.ts';
import { readIndex } from './model-index.ts';
import { latestMoves, olderMoves, type RecordedMove } from './moves.ts';
import type { ReadableStore } from './stores/store.ts';

/**
 * The latest 64 cost one GET, each 64 before them one more, when they are asked for.
 *
 * @throws GlowplugError MODEL_NOT_FOUND
 * @example
 * for await (const { tag, version, by, at, why } of history(store, 'ppocr-rec')) console.log(at, by, tag, version, why);
 */
export async function* history(store: ReadableStore, model: string): AsyncGenerator<RecordedMove> {
  const found = await readIndex(store, model);
  if (!found) throw new GlowplugError('MODEL_NOT_FOUND', `expected ${model} in ${store.name}, which has no such model`);
  yield* latestMoves(found.index).reverse();
  for await (const page of olderMoves(store, model, found.index)) yield* page.reverse();
}
