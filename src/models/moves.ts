// The moves of a model's tags, as its index holds them: the latest in an annotation, older ones in pages of 64.
import { GlowplugError, shorten } from '../core/errors.ts';
import { blobKey } from './blob-key.ts';
import { digestOf, encode } from './manifest.ts';
import { annotated, annotationOf, type Descriptor, type ModelIndex } from './model-index.ts';
import { putDocument } from './put-document.ts';
import { readAll } from './read-all.ts';
import { isDigest } from './reference.ts';
import type { ReadableStore, Store } from './stores/store.ts';
import type { Digest } from './version.ts';

export interface RecordedMove {
  /** 1, 2, 3 … within the model, without a gap: the order of moves is this, never the time. */
  readonly number: number;
  /** Tells one's own move from an equal one of somebody else. */
  readonly id: string;
  readonly kind: 'tag' | 'rollback' | 'yank' | 'unyank';
  /** The channel; for a yank the version's tag, which stays where it is. */
  readonly tag: string;
  /** Undefined when the channel is new. */
  readonly from?: Digest;
  readonly to: Digest;
  /** The write-once tag of `to`; empty when it has none. */
  readonly version: string;
  readonly by: string;
  /** ISO 8601, by the clock of whoever moved it. */
  readonly at: string;
  readonly why: string;
}

/** A page is written when twice as many moves stand in the index: so that the last 64 always do. */
const pageMoves = 64;
const movesType = 'application/vnd.glowplug.moves.v1+json';
const movesAnnotation = 'glowplug.moves';
const firstAnnotation = 'glowplug.moves.first';

/** Those that stand in the index itself, the oldest first. @throws GlowplugError STORE_UNAVAILABLE */
export function latestMoves(index: ModelIndex): RecordedMove[] {
  const text = annotationOf(index, movesAnnotation);
  return text === undefined ? [] : parseMoves(text, `the annotation ${movesAnnotation}`);
}

/** The index with one move more. What becomes too much for it is in the store as a page before this resolves. */
export async function withMove(
  store: Store,
  model: string,
  index: ModelIndex,
  move: RecordedMove,
): Promise<ModelIndex> {
  const moves = latestMoves(index);
  if (moves.length < 2 * pageMoves - 1) {
    return annotated(index, movesAnnotation, JSON.stringify([...moves, move]));
  }
  const old = moves.slice(0, pageMoves);
  const page = encode(old);
  await putDocument(store, model, page, index.manifests);
  const descriptor: Descriptor = {
    mediaType: movesType,
    digest: digestOf(page),
    size: page.length,
    annotations: { [firstAnnotation]: `${old[0]?.number}` },
  };
  const latest = JSON.stringify([...moves.slice(pageMoves), move]);
  return annotated({ ...index, manifests: [descriptor, ...index.manifests] }, movesAnnotation, latest);
}

/** Page by page, the newest page first; within a page the oldest move first. */
export async function* olderMoves(
  store: ReadableStore,
  model: string,
  { manifests }: ModelIndex,
): AsyncGenerator<RecordedMove[]> {
  const pages = manifests.filter(({ mediaType }) => mediaType === movesType);
  const first = (page: Descriptor) => Number(annotationOf(page, firstAnnotation));
  for (const page of pages.sort((a, b) => first(b) - first(a))) {
    const found = await store.get(blobKey(model, page.digest));
    if (!found) throw broken(`expected the page ${page.digest} of ${model}’s history in ${store.name}`);
    const bytes = await readAll(found.body, pageBytes, `the page ${page.digest}`);
    if (digestOf(bytes) !== page.digest) {
      throw new GlowplugError('DIGEST_MISMATCH', `expected a page of history ${page.digest}, got ${digestOf(bytes)}`);
    }
    yield parseMoves(new TextDecoder().decode(bytes), page.digest);
  }
}

/** 64 moves of the longest names and reasons are a tenth of it. */
const pageBytes = 4 * 1024 * 1024;

function parseMoves(text: string, where: string): RecordedMove[] {
  try {
    const moves: unknown = JSON.parse(text);
    if (Array.isArray(moves) && moves.every(isMove)) return moves;
  } catch {
    // Told below, with the place.
  }
  throw broken(`expected the moves of tags in ${where}, got ${shorten(text)}`);
}

function isMove(value: unknown): value is RecordedMove {
  if (typeof value !== 'object' || value === null) return false;
  const { number, kind, from, to, ...texts }: Partial<Record<string, unknown>> = { ...value };
  return (
    Number.isSafeInteger(number) &&
    typeof kind === 'string' &&
    /^(tag|rollback|yank|unyank)$/.test(kind) &&
    (from === undefined || isDigest(from)) &&
    isDigest(to) &&
    ['id', 'tag', 'version', 'by', 'at', 'why'].every((key) => typeof texts[key] === 'string')
  );
}

function broken(message: string): GlowplugError {
  return new GlowplugError('STORE_UNAVAILABLE', message, {
    remedy: 'Look at who else writes into the store; earlier versions of index.json are in the bucket’s versioning.',
  });
}
