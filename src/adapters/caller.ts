// Who sent an HTTP event, as its host found out; empty where everybody may call.
import { isRecord } from '../core/is-record.ts';

/** An IAM user or role's session, the subject of a token, a key's id, or what a REST API's authorizer calls its principal. */
export function callerOf(event: unknown): string {
  const requestContext = at(event, 'requestContext');
  const claims = at(requestContext, 'authorizer', 'jwt', 'claims');
  const token = [at(claims, 'iss'), at(claims, 'sub')];
  const found = [
    at(requestContext, 'authorizer', 'iam', 'userArn'),
    token.every((part) => typeof part === 'string') ? token.join(' ') : undefined,
    at(requestContext, 'authorizer', 'lambda', 'keyId'),
    at(requestContext, 'identity', 'userArn'),
    at(requestContext, 'authorizer', 'principalId'),
  ].find((each) => typeof each === 'string' && each !== '');
  return found === undefined ? '' : `${found}`;
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((found, name) => (isRecord(found) ? found[name] : undefined), value);
}
