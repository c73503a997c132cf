// Versions that are not to be used: marked in the index, with who, when and why.
import { GlowplugError } from '../core/errors.ts';
import { annotated, annotationOf, type Descriptor } from './model-index.ts';
import type { Digest } from './version.ts';

export interface Yanked {
  readonly by: string;
  readonly at: string;
  readonly why: string;
}

const annotation = 'glowplug.yanked';

/** Undefined when the version may be used. */
export function yankedOf(manifests: readonly Descriptor[], digest: Digest): Yanked | undefined {
  const marks = manifests.filter((one) => one.digest === digest).flatMap((one) => annotationOf(one, annotation) ?? []);
  return marks[0] === undefined ? undefined : parse(marks[0]);
}

/** The descriptors with the mark on a version's own one, or without it. */
export function withYanked(manifests: readonly Descriptor[], digest: Digest, mark: Yanked | undefined): Descriptor[] {
  const text = mark && JSON.stringify(mark);
  return manifests.map((one) => (one.digest === digest ? annotated(one, annotation, text) : one));
}

/** @throws GlowplugError VERSION_YANKED with who, when and why */
export function refuseYanked(what: string, manifests: readonly Descriptor[], digest: Digest): void {
  const mark = yankedOf(manifests, digest);
  if (!mark) return;
  const reason = `${mark.by} yanked it at ${mark.at}${mark.why ? `: ${mark.why}` : ''}`;
  throw new GlowplugError(
    'VERSION_YANKED',
    `expected a version of ${what} that may be used, ${digest} may not: ${reason}`,
  );
}

/** A mark that cannot be read is a mark. */
function parse(text: string): Yanked {
  const unknown = { by: 'somebody', at: 'some time', why: '' };
  try {
    const mark: Partial<Record<keyof Yanked, unknown>> | null = JSON.parse(text);
    return {
      ...unknown,
      ...Object.fromEntries(Object.entries(mark ?? {}).filter(([, value]) => typeof value === 'string')),
    };
  } catch {
    return unknown;
  }
}
