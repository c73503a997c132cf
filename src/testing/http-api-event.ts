// The event of an HTTP API: a function URL's, but for its names, its route and the decoded path; and what of it an authorizer sees.
// Source: Amazon API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway".
import { type EventInput, functionUrlEvent } from './function-url-event.ts';

export interface HttpApiEventInput extends EventInput {
  readonly path: string;
  readonly query: string;
  readonly routeKey: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly stageVariables: Readonly<Record<string, string>>;
}

export type HttpApiEvent = ReturnType<typeof httpApiEvent>;

export function httpApiEvent({ path, query, routeKey, parameters, stageVariables, ...input }: HttpApiEventInput) {
  const { account, region, urlId } = input;
  const like = functionUrlEvent(input);
  const domainName = `${urlId}.execute-api.${region}.amazonaws.com`;
  return {
    ...like,
    routeKey,
    rawPath: path,
    rawQueryString: query,
    headers: { ...like.headers, host: domainName },
    ...(Object.keys(parameters).length > 0 ? { pathParameters: parameters } : {}),
    ...(Object.keys(stageVariables).length > 0 ? { stageVariables } : {}),
    requestContext: {
      ...like.requestContext,
      accountId: account,
      domainName,
      http: { ...like.requestContext.http, path },
      routeKey,
    },
  };
}

/** Everything but the body. @param region where the API is */
export function authorizerEvent(event: HttpApiEvent, region: string, identitySource: readonly string[]) {
  const { body: _, isBase64Encoded: __, ...rest } = event;
  const { accountId, apiId, stage, http } = event.requestContext;
  const routeArn = `arn:aws:execute-api:${region}:${accountId}:${apiId}/${stage}/${http.method}${event.rawPath}`;
  return { ...rest, type: 'REQUEST', routeArn, identitySource };
}

/** As the function is told of it when an authorizer let it in. */
export function authorizedEvent(event: HttpApiEvent, lambda: unknown) {
  return { ...event, requestContext: { ...event.requestContext, authorizer: { lambda } } };
}
