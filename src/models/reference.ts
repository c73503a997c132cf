// References to versions, in OCI's own syntax: `name:tag`, `name@sha256:…`, or both; behind a `#` the variant of a version.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Digest } from './version.ts';

/** At least one of tag and digest is there; where both are, the digest decides. */
export interface Reference {
  readonly model: string;
  readonly tag?: string;
  readonly digest?: Digest;
  /** Ours: OCI chooses by platform, which says nothing of precision. Without it a version's first variant is meant. */
  readonly variant?: string;
}

/** @throws GlowplugError REFERENCE_INVALID */
export function parseReference(text: string): Reference {
  const [, model, tag, digest, variant] = grammar.exec(text) ?? [];
  if (model === undefined || model.length > nameLimit || (tag === undefined && digest === undefined)) {
    throw new GlowplugError(
      'REFERENCE_INVALID',
      `expected a reference such as iris:prod or iris@sha256:<64 hex digits>, got ${shorten(text)}`,
    );
  }
  return {
    model,
    ...(tag === undefined ? {} : { tag }),
    ...(isDigest(digest) ? { digest } : {}),
    ...(variant === undefined ? {} : { variant }),
  };
}

/** The inverse of parseReference. */
export function formatReference({ model, tag, digest, variant }: Reference): string {
  const named = `${model}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  return `${named}${variant === undefined ? '' : `#${variant}`}`;
}

/** Versions begin with a digit and are written once; every other tag is a channel and moves. */
export function isVersionTag(tag: string): boolean {
  return /^\d/.test(tag);
}

export function isModelName(text: string): boolean {
  return text.length <= nameLimit && nameGrammar.test(text);
}

export function isTag(text: string): boolean {
  return tagGrammar.test(text);
}

export function isVariantName(text: string): boolean {
  return variantGrammar.test(text);
}

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && /^sha256:[0-9a-f]{64}$/.test(text);
}

/** Our own limit: a name is a folder's name and part of every key. */
const nameLimit = 128;

// OCI distribution-spec, "Pulling manifests".
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const name = `${component}(?:/${component})*`;
const tagPattern = '\\w[\\w.-]{0,127}';
const nameGrammar = new RegExp(`^${name}$`);
const tagGrammar = new RegExp(`^${tagPattern}$`);
const variantPattern = '[a-z0-9][a-z0-9._-]{0,63}';
const variantGrammar = new RegExp(`^${variantPattern}$`);
const grammar = new RegExp(`^(${name})(?::(${tagPattern}))?(?:@(sha256:[0-9a-f]{64}))?(?:#(${variantPattern}))?$`);
