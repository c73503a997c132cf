// An HTTP API's Lambda authorizer of simple responses: asked once for an identity, remembered for its time.
// Source: Amazon API Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda authorizers".
import { isRecord } from '../core/is-record.ts';
import { authorizerEvent, type HttpApiEvent } from './http-api-event.ts';
import type { FindFunction } from './lambda-api.ts';

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

/** A refusal, or what the authorizer says of who asked. */
export type Authorized =
  | { readonly refusal: 401 | 403 | 500 }
  | { readonly refusal?: never; readonly context: unknown };

export interface AuthorizerOptions {
  readonly find: FindFunction;
  readonly region: string;
  readonly now: () => Date;
}

/** @returns who remembers: one for all APIs */
export function authorizing({ find, region, now }: AuthorizerOptions) {
  const remembered = new Map<string, { readonly answer: Authorized; readonly until: number }>();
  return async (authorizer: HttpAuthorizer, event: HttpApiEvent): Promise<Authorized> => {
    const { id, functionName, qualifier, seconds } = authorizer;
    const headers: Readonly<Record<string, string>> = event.headers;
    const identity = authorizer.headers.map((name) => headers[name] ?? '');
    if (identity.includes('')) return { refusal: 401 };
    const key = JSON.stringify([id, ...identity]);
    const before = remembered.get(key);
    if (before && before.until > now().getTime()) return before.answer;
    const payload = Buffer.from(JSON.stringify(authorizerEvent(event, region, identity)));
    const outcome = await find(functionName, qualifier)?.invoke({ payload });
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
