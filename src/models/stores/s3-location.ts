// Where a store lies in S3, and what its refusals mean: shared by the reader, which signs itself, and the SDK's store.
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

/** Refusals of the caller, as S3 names them: 403, and 400 for tokens. */
const forbidden = /^(AccessDenied|Signature|RequestTimeTooSkewed|Expired|Invalid(AccessKeyId|Token)|AllAccessDisabled)/;
/** The store itself is absent or elsewhere: waiting does not help, an answer "no such version" would mislead. */
const misplaced = /^(NoSuchBucket|PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint)/;

/** The error for an answer that is neither success nor "no such key". */
export function refusal(
  location: S3Location,
  key: string,
  answer: { readonly status: number; readonly code: string },
  cause?: unknown,
): GlowplugError {
  const { status, code } = answer;
  const what = `${storeName(location)} answered ${status}${code ? ` ${code}` : ''} for ${key}`;
  if (status === 301 || status === 307 || misplaced.test(code)) {
    return new GlowplugError('CONFIG_INVALID', `expected the bucket in ${location.region}; ${what}`, {
      cause,
      remedy: 'Set GLOWPLUG_STORE to a bucket that exists, and AWS_REGION to its region.',
    });
  }
  if (status === 401 || status === 403 || forbidden.test(code)) {
    return new GlowplugError('STORE_FORBIDDEN', `expected the store to accept the credentials; ${what}`, { cause });
  }
  return new GlowplugError('STORE_UNAVAILABLE', `expected the store to answer; ${what}`, { cause });
}
