// An HTTP API's Lambda authorizer of simple responses: asked once for an identity, remembered for its time.
// Source: Amazon API Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda authorizers".
import type { IncomingMessage } from 'node:http';
import { isRecord } from '../core/is-record.ts';
import type { HttpApiOptions } from './http-api.ts';

export interface HttpAuthorizer {
  /** The logical id in the template. */
  readonly id: string;
  readonly functionName: string;
  readonly qualifier: string;
  /** Names of request headers. */
  readonly headers: readonly string[];
  /** How long an answer is remembered; 0: it is not. */
  readonly seconds: number;
}

export interface Authorized {
  /** Undefined: the request goes on. */
  readonly refusal?: 401 | 403 | 500;
  readonly context?: unknown;
}

export type Authorize = (authorizer: HttpAuthorizer, message: IncomingMessage, event: object) => Promise<Authorized>;

/** @returns who remembers: one for all APIs */
export function authorizing({ find, now }: Pick<HttpApiOptions, 'find' | 'now'>): Authorize {
  const remembered = new Map<string, { readonly answer: Authorized; readonly until: number }>();
  return async (authorizer, message, event) => {
    const { id, functionName, qualifier, headers, seconds } = authorizer;
    const identitySource = headers.map((name) => message.headersDistinct[name]?.join(',') ?? '');
    if (identitySource.includes('')) return { refusal: 401 };
    const key = JSON.stringify([id, ...identitySource]);
    const before = remembered.get(key);
    if (before && before.until > now().getTime()) return before.answer;
    const asked = { ...event, type: 'REQUEST', identitySource };
    const outcome = await find(functionName, qualifier)?.invoke({ payload: Buffer.from(JSON.stringify(asked)) });
    const answer = outcome?.kind === 'response' ? verdict(outcome.payload) : undefined;
    // What failed is asked again.
    if (!answer) return { refusal: 500 };
    if (remembered.size >= mostRemembered) remembered.clear();
    if (seconds > 0) remembered.set(key, { answer, until: now().getTime() + 1000 * seconds });
    return answer;
  };
}

/** Whoever tries keys must not fill the memory. */
const mostRemembered = 10_000;

function verdict(payload: Uint8Array): Authorized | undefined {
  const said: unknown = JSON.parse(Buffer.from(payload).toString());
  if (!isRecord(said) || typeof said['isAuthorized'] !== 'boolean') return undefined;
  return said['isAuthorized'] ? { context: said['context'] ?? null } : { refusal: 403 };
}
