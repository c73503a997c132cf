// Whether AWS will know who asks, said before CDK begins: it tells of an account that it cannot resolve.
import { GlowplugError } from '../../core/errors.ts';

/** Asks the chain that the SDK and CDK have in common: variables, profile, SSO, role. @throws GlowplugError CONFIG_INVALID */
export async function mustHaveCredentials(): Promise<void> {
  const { S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({ region: 'us-east-1' });
  try {
    await client.config.credentials();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause;
    throw new GlowplugError('CONFIG_INVALID', `expected AWS credentials, found none: ${why}`, {
      cause,
      remedy: 'aws sso login or aws configure, and AWS_PROFILE where there are several; --dry-run needs none.',
    });
  } finally {
    client.destroy();
  }
}
