// The keys of clients as Secrets Manager has them.
import { parseApiKeys } from '../core/contract.ts';
import { isRecord } from '../core/is-record.ts';
import type { AwsApi } from './aws-api.ts';

/** @throws GlowplugError INTERNAL, CONFIG_INVALID for a secret that holds none */
export async function readApiKeys(api: AwsApi, secret: string): Promise<string[]> {
  const { json } = await api({
    service: 'secretsmanager',
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'secretsmanager.GetSecretValue' },
    body: { SecretId: secret },
  });
  const text: unknown = isRecord(json) ? json['SecretString'] : undefined;
  return parseApiKeys(typeof text === 'string' ? text : '', secret);
}
