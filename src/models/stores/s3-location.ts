// Where a store lies in S3: shared by the reader, which signs itself, and the SDK's store.
import { GlowplugError, shorten } from '../../core/errors.ts';

export interface S3Location {
  readonly bucket: string;
  /** Without slashes at its ends; empty for none. */
  readonly prefix: string;
  readonly region: string;
  /** Another endpoint than AWS's, such as the local cloud's. */
  readonly endpoint: string | undefined;
}

/** `s3://bucket/prefix`; undefined when the text is no URL, and so a folder (`C:\\` is one). `variable` is where it stood. */
export function parseS3Url(text: string, variable = 'GLOWPLUG_STORE'): { bucket: string; prefix: string } | undefined {
  if (!/^[a-z][\w+.-]+:/i.test(text)) return undefined;
  const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/*$/.exec(text) ?? [];
  if (bucket !== undefined && !prefix.startsWith('/')) return { bucket, prefix };
  throw new GlowplugError(
    'CONFIG_INVALID',
    `${variable}: expected s3://bucket/prefix or a folder, got ${shorten(text)}`,
  );
}

export function storeName({ bucket, prefix }: S3Location): string {
  return `s3://${bucket}${prefix ? `/${prefix}` : ''}`;
}

export function objectKey({ prefix }: S3Location, key: string): string {
  return prefix ? `${prefix}/${key}` : key;
}

export function objectUrl(location: S3Location, key: string): string {
  const { bucket, region, endpoint } = location;
  const path = encodePath(objectKey(location, key));
  if (endpoint) return `${endpoint.replace(/\/$/, '')}/${bucket}/${path}`;
  const host = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  // The certificate covers one label before s3: a bucket with dots goes into the path.
  return bucket.includes('.') ? `https://${host}/${bucket}/${path}` : `https://${bucket}.${host}/${path}`;
}

/** S3 encodes all but RFC 3986's unreserved characters; encodeURIComponent leaves five more. */
function encodePath(path: string): string {
  const hex = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return path
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll(/[!'()*]/g, hex))
    .join('/');
}

/** @param name the store's */
export function brokenConnection(name: string, key: string, cause: unknown): GlowplugError {
  const message = `expected ${key} of ${name}, the connection failed: ${reason(cause)}`;
  return new GlowplugError('STORE_UNAVAILABLE', message, { cause });
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Several addresses of one host that all refuse: each in `errors`, the message empty.
  return error.message || ('code' in error ? String(error.code) : error.name);
}
