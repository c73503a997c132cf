// Walks a bucket's keys in order and rolls those that share a prefix up to the delimiter into one entry.
import { compareUtf8, type KeyIndex } from './key-index.ts';
import type { KeyRecord } from './record.ts';

export interface WalkOptions {
  readonly prefix: string;
  /** Empty: no rolling up. */
  readonly delimiter: string;
  /** Begin behind this key. */
  readonly after: string;
  /** `after` ends a page: if it ends in the delimiter, everything below it was rolled up there. */
  readonly resumes: boolean;
}

export type WalkEntry = { readonly prefix: string } | { readonly record: KeyRecord };

/** `counts` says whether a record is to be listed at all: a key whose newest version is a delete marker is not. */
export function* walk(
  index: KeyIndex,
  { prefix, delimiter, after, resumes }: WalkOptions,
  counts: (record: KeyRecord) => boolean,
): Generator<WalkEntry> {
  const afterRolled = resumes && delimiter !== '' && after.endsWith(delimiter) && after !== prefix;
  let position = index.position(compareUtf8(after, prefix) > 0 ? after : prefix);
  let rolled = afterRolled ? after : undefined;
  for (let record = index.at(position); record?.key.startsWith(prefix); record = index.at(++position)) {
    const { key } = record;
    if (key === after || (rolled !== undefined && key.startsWith(rolled)) || !counts(record)) continue;
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    rolled = end < 0 ? undefined : key.slice(0, end + delimiter.length);
    yield rolled === undefined ? { record } : { prefix: rolled };
  }
}
