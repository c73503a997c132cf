// Which models a bundle uses, read from its text.
import { referencesIn } from '../models/references-in.ts';

/**
 * Two sources, so that a forgotten lock entry is found as well as a reference that stands elsewhere: the string values of
 * any `models: { … }` (`inference({ models: { iris: 'iris:prod' } })`), and every locked reference that the bundle spells
 * out as a string. A reference that is put together at run time is in neither: `references` of the bundle names it.
 */
export function findReferences(code: string, locked: readonly string[]): string[] {
  const spelled = locked.filter((key) => ['"', "'", '`'].some((quote) => code.includes(`${quote}${key}${quote}`)));
  return [...new Set([...referencesIn(code).filter((text) => reference.test(text)), ...spelled])].sort();
}

/** `name:tag` or `name@sha256:…`: what could be one; the lock decides whether it is. */
const reference = /^[a-z0-9][a-z0-9._/-]*(:[\w][\w.-]*|@sha256:[0-9a-f]{64})(#[a-z0-9][a-z0-9._-]*)?$/;
