// What the SDK throws: what S3 answered, whether asking again may help, and what to tell whoever waits.
import { GlowplugError } from '../../core/errors.ts';
import { type S3Location, storeName } from './s3-location.ts';
import { refusal } from './s3-refusal.ts';

/** What the SDK's errors carry; a broken connection has a name alone. */
export function answerOf(error: unknown): { status: number | undefined; code: string } {
  if (!(error instanceof Error)) return { status: undefined, code: String(error) };
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  return { status: typeof status === 'number' ? status : undefined, code: error.name };
}

export function mayPass(error: unknown, attempt: number): boolean {
  if (error instanceof GlowplugError) return error.code === 'STORE_UNAVAILABLE';
  const { status, code } = answerOf(error);
  if (status === undefined) return code !== 'CredentialsProviderError';
  // The SDK learns the server's time from such a refusal: signed anew, the request is right or never will be.
  if (code === 'RequestTimeTooSkewed') return attempt === 1;
  // Bytes that changed or stopped on their way; a file that changed is no better the third time.
  if (/^(BadDigest|IncompleteBody|RequestTimeout|XAmzContentSHA256Mismatch)$/.test(code)) return attempt < 3;
  return status >= 500 || status === 429;
}

export function failure(location: S3Location, error: unknown, key: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof GlowplugError) return error;
  const { status, code } = answerOf(error);
  // To a HEAD S3 says no more: every 400 that it has for one is about the credentials.
  if (status === 400 && /^(BadRequest|UnknownError|Unknown|400)$/.test(code)) {
    return refusal(location, key, { status, code: 'ExpiredToken, perhaps, as it does not say to a HEAD' }, error);
  }
  if (status !== undefined) return refusal(location, key, { status, code }, error);
  if (code === 'CredentialsProviderError') {
    return new GlowplugError('STORE_FORBIDDEN', `expected credentials for ${storeName(location)}, found none`, {
      cause: error,
      remedy: 'Sign in (aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    });
  }
  return new GlowplugError('STORE_UNAVAILABLE', `expected ${storeName(location)} to answer for ${key}: ${code}`, {
    cause: error,
  });
}
