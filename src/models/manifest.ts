// A version as OCI sees it: a manifest and a config of the CNCF ModelPack media types. The bytes are canonical (fixed key
// order, files by name, no clock, no host), so two machines that publish the same files publish the same digest.
import { createHash } from 'node:crypto';
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Signature } from '../core/signature.ts';
import { isChunks } from './chunks.ts';
import { parseSignature } from './lock.ts';
import { isDigest, isModelName } from './reference.ts';
import type { BuiltVersion, Content, Digest, LocalFile, LockedVersion, VersionFile } from './version.ts';

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
export const artifactType = 'application/vnd.cncf.model.manifest.v1+json';
const configType = 'application/vnd.cncf.model.config.v1+json';

/** modelpack/model-spec, docs/annotations.md; opencontainers/image-spec, annotations.md; ours. */
const annotation = {
  path: 'org.cncf.model.filepath',
  title: 'org.opencontainers.image.title',
  version: 'org.opencontainers.image.version',
  licenses: 'org.opencontainers.image.licenses',
  description: 'org.opencontainers.image.description',
  /** The signature stands in the manifest, so that a lock file is written without reading the model. */
  signature: 'glowplug.signature',
  chunks: 'glowplug.chunks',
} as const;

export interface VersionParts {
  readonly model: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license: string;
  readonly description?: string;
  /** Of the weights, as ModelPack names it: fp32, fp16, int8. */
  readonly precision?: string;
  /** By file name; one is model.onnx. What is large lies on disk. */
  readonly files: Readonly<Record<string, Uint8Array | LocalFile>>;
  /** By file name: what chunks.ts makes of its bytes. */
  readonly chunks?: Readonly<Record<string, string>>;
  readonly signature: Signature;
}

/** Pure: the same parts give the same bytes, in whatever order the files come. */
export function buildManifest(parts: VersionParts): BuiltVersion {
  const blobs = new Map<Digest, Content>();
  const files: Record<string, VersionFile> = {};
  for (const name of Object.keys(parts.files).sort()) {
    const content = parts.files[name]!;
    const { digest, size } =
      content instanceof Uint8Array ? { digest: digestOf(content), size: content.length } : content;
    blobs.set(digest, content);
    const chunks = parts.chunks?.[name];
    files[name] = { digest, size, mediaType: mediaTypeOf(name), ...(chunks ? { chunks } : {}) };
  }
  const { model, version, license, description, precision, signature } = parts;
  const config = encode({
    descriptor: { name: model, version, licenses: [license], ...(description ? { description } : {}) },
    modelfs: { type: 'layers', diffIds: Object.values(files).map((file) => file.digest) },
    config: { format: 'onnx', ...(precision ? { precision } : {}) },
  });
  blobs.set(digestOf(config), config);
  const manifest = encode({
    schemaVersion: 2,
    mediaType: manifestType,
    artifactType,
    config: { mediaType: configType, digest: digestOf(config), size: config.length },
    layers: Object.entries(files).map(([name, { mediaType, digest, size, chunks }]) => ({
      mediaType,
      digest,
      size,
      annotations: { [annotation.path]: name, ...(chunks ? { [annotation.chunks]: chunks } : {}) },
    })),
    annotations: {
      [annotation.title]: model,
      [annotation.version]: version,
      [annotation.licenses]: license,
      ...(description ? { [annotation.description]: description } : {}),
      [annotation.signature]: JSON.stringify(signature),
    },
  });
  const locked = { model, version, digest: digestOf(manifest), files, signature };
  return { locked, manifest, blobs, variants: {} };
}

/** @throws GlowplugError MODEL_NOT_FOUND when the manifest is none that glowplug wrote. */
export function parseManifest(bytes: Uint8Array, digest: Digest): LockedVersion {
  try {
    const manifest = object(JSON.parse(new TextDecoder().decode(bytes)));
    const annotations = object(manifest['annotations']);
    const model = string(annotations[annotation.title]);
    if (manifest['artifactType'] !== artifactType || !isModelName(model)) throw new TypeError('no model of ModelPack');
    return {
      model,
      version: string(annotations[annotation.version]),
      digest,
      files: Object.fromEntries(array(manifest['layers']).map(parseLayer)),
      signature: parseSignature(JSON.parse(string(annotations[annotation.signature])), annotation.signature),
    };
  } catch (cause) {
    throw new GlowplugError('MODEL_NOT_FOUND', `expected ${digest} to be a manifest that glowplug wrote, it is not`, {
      cause,
      remedy: 'Publish the version with glowplug publish: other tools’ manifests lack the signature.',
    });
  }
}

/** The blobs that a manifest needs beside itself: its config and its files. */
export function blobsOf(manifest: Uint8Array): { readonly digest: Digest; readonly size: number }[] {
  const { config, layers } = object(JSON.parse(new TextDecoder().decode(manifest)));
  return [config, ...array(layers)].map((descriptor) => {
    const { digest, size } = object(descriptor);
    if (isDigest(digest) && typeof size === 'number') return { digest, size };
    throw new TypeError(`expected a descriptor, got ${shorten(descriptor)}`);
  });
}

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function mediaTypeOf(name: string): string {
  if (/\.(onnx|onnx_data|ort|bin)$/.test(name)) return 'application/vnd.cncf.model.weight.v1.raw';
  if (/^(licen[cs]e|readme|notice)|\.md$/i.test(name)) return 'application/vnd.cncf.model.doc.v1.raw';
  return 'application/vnd.cncf.model.weight.config.v1.raw';
}

export function encode(json: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json));
}

function parseLayer(value: unknown): [string, VersionFile] {
  const { mediaType, digest, size, annotations } = object(value);
  if (!isDigest(digest) || typeof size !== 'number') throw new TypeError(`no layer: ${shorten(value)}`);
  const { [annotation.path]: name, [annotation.chunks]: chunks } = object(annotations);
  if (chunks !== undefined && !isChunks(chunks, size)) throw new TypeError(`no chunks: ${shorten(chunks)}`);
  return [string(name), { digest, size, mediaType: string(mediaType), ...(chunks === undefined ? {} : { chunks }) }];
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new TypeError(`expected an object, got ${shorten(value)}`);
}

function array(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`expected an array, got ${shorten(value)}`);
}

function string(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`expected a string, got ${shorten(value)}`);
}
