// The paths of the Open Inference Protocol. Pure: which question a request asks, not its answer.
import { GlowplugError, shorten } from '../core/errors.ts';

export type Route =
  | { readonly kind: 'server' | 'live' | 'ready' }
  | {
      readonly kind: 'metadata' | 'model-ready' | 'infer';
      readonly model: string;
      readonly version: string | undefined;
    };

const kinds: Readonly<Record<string, 'metadata' | 'model-ready' | 'infer'>> = {
  '': 'metadata',
  '/ready': 'model-ready',
  '/infer': 'infer',
};

/** Whether a path is the protocol's at all. */
export function isProtocolPath(path: string): boolean {
  return path === '/v2' || path.startsWith('/v2/');
}

/** @throws GlowplugError NOT_FOUND, METHOD_NOT_ALLOWED */
export function parseRoute(method: string, path: string): Route {
  const route = match(path);
  if (!route)
    throw new GlowplugError('NOT_FOUND', `expected a path of the Open Inference Protocol, got ${shorten(path)}`);
  const allowed = route.kind === 'infer' ? 'POST' : 'GET';
  if (method === allowed || (method === 'HEAD' && allowed === 'GET')) return route;
  throw new GlowplugError('METHOD_NOT_ALLOWED', `expected ${allowed}, got ${shorten(method)}`, {
    headers: { allow: allowed },
  });
}

function match(path: string): Route | undefined {
  if (path === '/v2' || path === '/v2/') return { kind: 'server' };
  if (path === '/v2/health/live') return { kind: 'live' };
  if (path === '/v2/health/ready') return { kind: 'ready' };
  const parts = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(|\/ready|\/infer)$/.exec(path);
  const model = decode(parts?.[1]);
  const kind = kinds[parts?.[3] ?? 'none'];
  return model === undefined || !kind ? undefined : { kind, model, version: decode(parts?.[2]) };
}

function decode(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
