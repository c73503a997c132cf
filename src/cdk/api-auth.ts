// Who may call an InferenceApi: whoever IAM allows, has a token or a key, or everybody.
import { Duration } from 'aws-cdk-lib';
import { HttpNoneAuthorizer, type IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  HttpIamAuthorizer,
  HttpJwtAuthorizer,
  HttpLambdaAuthorizer,
  HttpLambdaResponseType,
} from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { apiKeysOf } from './api-keys-of.ts';
import { opFunction } from './op-function.ts';

export type ApiAuth = 'iam' | 'key' | 'none' | KeyAuth | JwtAuth;

export interface KeyAuth {
  /** Holds the keys that clients send in `x-api-key`, separated by commas. `auth: 'key'` makes one with one key. */
  readonly keys: ISecret | Secret;
}

export interface JwtAuth {
  /** Whose tokens are taken: `https://cognito-idp.<region>.amazonaws.com/<pool>` for one of Cognito. */
  readonly issuer: string;
  readonly audience: readonly string[];
  /** One of which the token must have. @default none is asked for */
  readonly scopes?: readonly string[];
}

export interface Authorized {
  readonly authorizer: IHttpRouteAuthorizer;
  /** Of an API that asks for a key. */
  readonly keys?: { readonly secret: ISecret | Secret; readonly asked: LambdaFunction };
  /** Request headers by which a caller says who it is, beside `authorization`. */
  readonly headers: readonly string[];
}

/** @param root of the app */
export function authorizerOf(scope: Construct, auth: ApiAuth, root: string | undefined): Authorized {
  if (auth === 'iam') {
    const headers = ['x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'];
    return { authorizer: new HttpIamAuthorizer(), headers };
  }
  if (auth === 'none') return { authorizer: new HttpNoneAuthorizer(), headers: [] };
  if (auth === 'key' || 'keys' in auth) return byKey(scope, auth === 'key' ? undefined : auth.keys, root);
  const jwt = new HttpJwtAuthorizer('Jwt', auth.issuer, { jwtAudience: [...auth.audience] });
  const { scopes } = auth;
  if (!scopes) return { authorizer: jwt, headers: [] };
  const authorizer = {
    bind: (options: Parameters<typeof jwt.bind>[0]) => ({ ...jwt.bind(options), authorizationScopes: [...scopes] }),
  };
  return { authorizer, headers: [] };
}

function byKey(scope: Construct, given: ISecret | Secret | undefined, root: string | undefined): Authorized {
  const { path } = scope.node;
  const secret = apiKeysOf(scope, given, path);
  const asked = opFunction(scope, 'Authorizer', {
    op: 'api-keys',
    runsAs: `${path.replaceAll(/[^\w-]/g, '-')}-keys`,
    description: `glowplug ${path}: lets in who has one of its keys`,
    timeout: Duration.seconds(10),
    environment: { GLOWPLUG_API_KEYS_SECRET: secret.secretArn },
    ...(root ? { root } : {}),
  });
  secret.grantRead(asked);
  const authorizer = new HttpLambdaAuthorizer('Key', asked, {
    identitySource: ['$request.header.x-api-key'],
    responseTypes: [HttpLambdaResponseType.SIMPLE],
    resultsCacheTtl: remembered,
  });
  return { authorizer, keys: { secret, asked }, headers: ['x-api-key'] };
}

/** With the minute for which the authorizer keeps the secret, a key that was taken out is refused after five. */
const remembered = Duration.minutes(4);
