// What S3's refusals mean, whoever asked: the reader, which signs itself, or the SDK's store.
import { GlowplugError } from '../../core/errors.ts';
import { type S3Location, storeName } from './s3-location.ts';

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
