// The authorizer of an InferenceApi with keys: whether what came in X-Api-Key is one of the keys in the secret.
// Source: Amazon API Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda authorizers", format 2.0.
import { keyId, keyring } from '../../core/api-keys.ts';
import { readContract } from '../../core/contract.ts';
import { GlowplugError } from '../../core/errors.ts';
import { isRecord } from '../../core/is-record.ts';
import { type AwsApi, awsApi } from '../aws-api.ts';
import { readApiKeys } from '../read-api-keys.ts';

export interface Verdict {
  readonly isAuthorized: boolean;
  /** Goes into the access log, and to the function as who asked. */
  readonly context?: { readonly keyId: string };
}

/** How long keys are remembered: one that was taken out of the secret is let in no longer than this, and API Gateway's own memory. */
export const keptMs = 60_000;
/** API Gateway waits 10 s for an authorizer. */
const limitMs = 3000;

/** This environment's. */
let authorize: ((event: unknown) => Promise<Verdict>) | undefined;

export async function handler(event: unknown): Promise<Verdict> {
  authorize ??= fromEnvironment();
  return await authorize(event);
}

/**
 * Without the secret nobody is let in: an authorizer that fails is a 500, which API Gateway does not remember.
 *
 * @throws GlowplugError from what it returns: INTERNAL, CONFIG_INVALID
 */
export function authorizer(api: AwsApi, secret: string, now: () => number): (event: unknown) => Promise<Verdict> {
  let known: { readonly knows: (key: string) => boolean; readonly until: number } | undefined;
  return async (event) => {
    // What API Gateway remembers the answer by.
    const source: unknown = isRecord(event) ? event['identitySource'] : undefined;
    const key: unknown = Array.isArray(source) ? source[0] : undefined;
    if (typeof key !== 'string' || key === '') return { isAuthorized: false };
    if (!known || known.until <= now()) {
      known = { knows: keyring(await readApiKeys(api, secret)), until: now() + keptMs };
    }
    return known.knows(key) ? { isAuthorized: true, context: { keyId: keyId(key) } } : { isAuthorized: false };
  };
}

function fromEnvironment(): (event: unknown) => Promise<Verdict> {
  const contract = readContract();
  const { apiKeysSecret, secretsEndpoint: endpoint } = contract;
  if (!apiKeysSecret) throw new GlowplugError('CONFIG_INVALID', 'expected GLOWPLUG_API_KEYS_SECRET, got nothing');
  return authorizer(awsApi(contract, { endpoint, limitMs }), apiKeysSecret, Date.now);
}
