// The front door of Application Load Balancers: the rule that a request meets names a function, whose event it becomes.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import { traceIdOf } from './function-url-event.ts';
import type { FindFunction } from './lambda-api.ts';
import { albEvent, albLimit, albResponse } from './load-balancer-event.ts';
import { type AlbRule, matchRule } from './load-balancer-rule.ts';
import { readLimited } from './read-limited.ts';
import { setHeaders } from './set-headers.ts';
import { splitTarget } from './signed-by.ts';

/** An AWS::ElasticLoadBalancingV2::LoadBalancer with its listener. */
export interface LoadBalancerSpec {
  /** The logical id in the template. */
  readonly id: string;
  readonly listener: { readonly protocol: 'http' | 'https'; readonly port: number };
  readonly rules: readonly AlbRule[];
}

/** Where they lie on the port of the AWS APIs, each below its id: no bucket's name begins so. */
export const albPath = '/_alb/';

interface Options {
  readonly find: FindFunction;
  readonly now: () => Date;
}

/** Whatever goes wrong is an answer. @param balancers those that are deployed now */
export function loadBalancerListener(options: Options, balancers: () => readonly LoadBalancerSpec[]): RequestListener {
  return (message, response) => {
    const [path, query] = splitTarget(message);
    const [id = '', ...parts] = path.slice(albPath.length).split('/');
    const balancer = balancers().find((each) => each.id === id);
    if (!balancer) return refuse(response, 404);
    answer(options, balancer, { path: `/${parts.join('/')}`, query, message }, response).catch(() => {
      if (response.headersSent || response.destroyed) response.destroy();
      else refuse(response, 502);
    });
  };
}

async function answer(
  { find, now }: Options,
  { rules, listener }: LoadBalancerSpec,
  { path, query, message }: { readonly path: string; readonly query: string; readonly message: IncomingMessage },
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET', headers } = message;
  const rule = matchRule(rules, { path, method, host: headers.host ?? '' });
  const body = await readLimited(message, albLimit);
  if (!rule) return refuse(response, 503);
  const { action } = rule;
  if (action.kind === 'fixed') {
    response.writeHead(action.status, { 'content-type': action.contentType });
    return void response.end(action.body);
  }
  if (!body) return refuse(response, 413);
  const { functionName, qualifier, targetGroupArn, lists } = action;
  const traceId = traceIdOf(message, now());
  const event = albEvent({ message, path, query, body, traceId, targetGroupArn, lists, listener });
  const outcome = await find(functionName, qualifier)?.invoke({ payload: Buffer.from(JSON.stringify(event)), traceId });
  // A function that fails or is throttled is a bad gateway, too.
  const result = outcome?.kind === 'response' ? albResponse(outcome.payload, lists) : undefined;
  if (!result || !setHeaders(response, result.headers)) return refuse(response, 502);
  if (result.status !== 204 && result.status !== 304) response.setHeader('content-length', result.body.length);
  response.writeHead(result.status).end(result.body);
}

/** In the load balancer's own words. */
function refuse(response: ServerResponse, status: number): void {
  const title = `${status} ${STATUS_CODES[status]}`;
  response.writeHead(status, { 'content-type': 'text/html', server: 'awselb/2.0' });
  response.end(`<html><head><title>${title}</title></head><body><center><h1>${title}</h1></center></body></html>`);
}
