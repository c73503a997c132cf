// One signed request to an API of AWS. The SDK's clients for the few calls that are made here would be megabytes.
import { AwsClient } from 'aws4fetch';
import type { Contract } from '../core/contract.ts';
import { GlowplugError, shorten } from '../core/errors.ts';

export interface ApiRequest {
  readonly service: 'lambda' | 'codedeploy' | 'ecs' | 'elasticloadbalancing' | 'logs' | 'secretsmanager';
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or the form of a query API. */
  readonly body?: unknown;
}

export interface ApiResponse {
  readonly headers: Headers;
  readonly json: unknown;
}

export type AwsApi = (request: ApiRequest) => Promise<ApiResponse>;

/** `endpoint` is another one than AWS's, for tests and the local cloud. @throws GlowplugError INTERNAL with what AWS answered */
export function awsApi(
  { credentials, region }: Pick<Contract, 'credentials' | 'region'>,
  {
    endpoint,
    fetch = globalThis.fetch,
    limitMs = 60_000,
  }: { endpoint?: string | undefined; fetch?: typeof globalThis.fetch; limitMs?: number } = {},
): AwsApi {
  if (!credentials) throw new GlowplugError('CONFIG_INVALID', 'expected the credentials that Lambda gives a function');
  return async ({ service, method, path, headers = {}, body }) => {
    const client = new AwsClient({ ...credentials, region, service, retries: 0 });
    const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
    const form = body instanceof URLSearchParams ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
    const request = await client.sign(`${endpoint ?? `https://${service}.${region}.${domain}`}${path}`, {
      method,
      headers: { ...form, ...headers },
      ...(body === undefined ? {} : { body: body instanceof URLSearchParams ? `${body}` : JSON.stringify(body) }),
    });
    const response = await fetch(request, { signal: AbortSignal.timeout(limitMs) });
    const text = await response.text();
    if (response.ok)
      return { headers: response.headers, json: /^\s*[[{"]/.test(text) ? parsed(text, service) : undefined };
    throw new GlowplugError(
      'INTERNAL',
      `${service} answered ${response.status} to ${method} ${path}: ${shorten(text, 300)}`,
      {
        remedy: 'Look at the role of this function, and at whether what it names is still there.',
      },
    );
  };
}

/** The parser's own message would quote the answer, which may be a secret. */
function parsed(text: string, service: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GlowplugError('INTERNAL', `${service}: expected JSON, got ${text.length} characters of something else`);
  }
}
