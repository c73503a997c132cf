// A version of several variants, as OCI sees it: an index of manifests, in the order of the definition. The first is the default.
import { GlowplugError, shorten } from '../core/errors.ts';
import { artifactType, digestOf, encode, manifestType } from './manifest.ts';
import { isDigest } from './reference.ts';
import { asStartForm, isFeatures } from './start-form.ts';
import type { BuiltVersion, Digest, LockedVersion, StartForm } from './version.ts';

export const indexType = 'application/vnd.oci.image.index.v1+json';

const annotation = {
  variant: 'glowplug.variant',
  precision: 'glowplug.precision',
  /** Features of the processor, and names of variants: with commas between. */
  needs: 'glowplug.needs',
  starts: 'glowplug.starts',
} as const;

export interface VariantParts {
  readonly name: string;
  /** A manifest of its own, as buildManifest makes it. */
  readonly built: BuiltVersion;
  readonly precision?: string;
  /** Where it was made for one; other variants run anywhere. */
  readonly architecture?: 'amd64' | 'arm64';
  /** Features of the processor that it is bound to. */
  readonly needs?: readonly string[];
  /** Variants that a cold start opens instead, in this order. */
  readonly starts?: readonly string[];
}

/** What an index says of one variant. */
export interface ListedVariant {
  readonly name: string;
  readonly digest: Digest;
  readonly needs?: readonly string[];
  readonly starts?: readonly string[];
}

/** Pure, as buildManifest is. */
export function buildVariants(parts: readonly [VariantParts, ...VariantParts[]]): BuiltVersion {
  const index = encode({
    schemaVersion: 2,
    mediaType: indexType,
    artifactType,
    manifests: parts.map(({ name, built, precision, architecture, needs, starts }) => ({
      mediaType: manifestType,
      artifactType,
      digest: built.locked.digest,
      size: built.manifest.length,
      ...(architecture ? { platform: { architecture, os: 'linux' } } : {}),
      annotations: {
        [annotation.variant]: name,
        ...(precision ? { [annotation.precision]: precision } : {}),
        ...(needs ? { [annotation.needs]: needs.join() } : {}),
        ...(starts ? { [annotation.starts]: starts.join() } : {}),
      },
    })),
  });
  const digest = digestOf(index);
  const formOf = (form: string) => {
    const { name, built, needs } = chooseVariant(parts, form, parts[0].built.locked.model);
    return asStartForm(built.locked, name, needs);
  };
  const variants = parts.map(({ name, built: { locked, manifest }, starts }) => {
    return [name, { manifest, locked: ofVersion(locked, digest, name, starts?.map(formOf)) }] as const;
  });
  return {
    locked: variants[0]![1].locked,
    manifest: index,
    blobs: new Map(parts.flatMap(({ built }) => [...built.blobs])),
    variants: Object.fromEntries(variants),
  };
}

/** The version as one of its variants: its digest stays that of the index, which is what tags name and signatures sign. */
export function ofVersion(
  manifest: LockedVersion,
  digest: Digest,
  variant: string,
  starts?: readonly StartForm[],
): LockedVersion {
  const { model, version, files, signature } = manifest;
  return { model, version, digest, variant, files, ...(starts ? { starts } : {}), signature };
}

/** Each variant, or undefined when the bytes are no index. @throws GlowplugError MODEL_NOT_FOUND */
export function parseVariants(bytes: Uint8Array, digest: Digest): ListedVariant[] | undefined {
  try {
    const { mediaType, manifests }: { mediaType?: unknown; manifests?: unknown } = JSON.parse(
      new TextDecoder().decode(bytes),
    );
    if (mediaType !== indexType) return undefined;
    if (!Array.isArray(manifests) || manifests.length === 0) throw new TypeError('no variants');
    return manifests.map((one: { digest?: unknown; annotations?: Record<string, unknown> }) => {
      const name = one.annotations?.[annotation.variant];
      if (!isDigest(one.digest) || typeof name !== 'string') throw new TypeError(`no variant: ${shorten(one)}`);
      const needs = names(one.annotations?.[annotation.needs]);
      if (needs && !isFeatures(needs)) throw new TypeError(`no features: ${shorten(needs)}`);
      const starts = names(one.annotations?.[annotation.starts]);
      return { name, digest: one.digest, ...(needs ? { needs } : {}), ...(starts ? { starts } : {}) };
    });
  } catch (cause) {
    throw new GlowplugError('MODEL_NOT_FOUND', `expected ${digest} to be a version that glowplug wrote, it is not`, {
      cause,
      remedy: 'Publish the version with glowplug publish: other tools’ indexes do not name their variants.',
    });
  }
}

function names(value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value.split(',');
  throw new TypeError(`no names: ${shorten(value)}`);
}

/** @throws GlowplugError MODEL_NOT_FOUND naming the variants that there are. */
export function chooseVariant<T extends { readonly name: string }>(
  variants: readonly T[],
  wanted: string | undefined,
  what: string,
): T {
  const found = wanted === undefined ? variants[0] : variants.find(({ name }) => name === wanted);
  if (found) return found;
  const names = variants.map(({ name }) => name).join(', ');
  throw new GlowplugError(
    'MODEL_NOT_FOUND',
    `expected the variant ${wanted} of ${what}, ${names ? `whose variants are ${names}` : 'which has none'}`,
    { remedy: 'Name a variant that the version has behind the #, or none for its first.' },
  );
}
