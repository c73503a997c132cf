// The paths of the Open Inference Protocol and of Triton's extensions. Pure: which question a request asks, not its answer.
import { GlowplugError, shorten } from '../core/errors.ts';

export type Route =
  | { readonly kind: 'server' | 'live' | 'ready' | 'all-statistics' | 'index' }
  | { readonly kind: 'control'; readonly model: string; readonly action: 'load' | 'unload' }
  | {
      readonly kind: 'metadata' | 'model-ready' | 'config' | 'statistics' | 'infer';
      readonly model: string;
      readonly version: string | undefined;
    };

type Kind = Route['kind'];

const whole: Readonly<
  Record<string, Exclude<Kind, 'control' | 'metadata' | 'model-ready' | 'config' | 'statistics' | 'infer'>>
> = {
  '/v2': 'server',
  '/v2/': 'server',
  '/v2/health/live': 'live',
  '/v2/health/ready': 'ready',
  // Before the model of that name, as Triton has it.
  '/v2/models/stats': 'all-statistics',
  '/v2/repository/index': 'index',
};

const ofModel = {
  '': 'metadata',
  '/ready': 'model-ready',
  '/config': 'config',
  '/stats': 'statistics',
  '/infer': 'infer',
} as const;

const posted: readonly Kind[] = ['infer', 'index', 'control'];

/** @throws GlowplugError NOT_FOUND, METHOD_NOT_ALLOWED */
export function parseRoute(method: string, path: string): Route {
  const route = match(path);
  if (!route)
    throw new GlowplugError('NOT_FOUND', `expected a path of the Open Inference Protocol, got ${shorten(path)}`);
  const allowed = posted.includes(route.kind) ? 'POST' : 'GET';
  if (method === allowed || (method === 'HEAD' && allowed === 'GET')) return route;
  throw new GlowplugError('METHOD_NOT_ALLOWED', `expected ${allowed}, got ${shorten(method)}`, {
    headers: { allow: allowed },
  });
}

function match(path: string): Route | undefined {
  const kind = Object.hasOwn(whole, path) ? whole[path] : undefined;
  if (kind) return { kind };
  const controlled = /^\/v2\/repository\/models\/(.+)\/(load|unload)$/.exec(path);
  const one = decode(controlled?.[1]);
  if (one !== undefined) return { kind: 'control', model: one, action: controlled?.[2] === 'load' ? 'load' : 'unload' };
  // Names have slashes, which Python's quote leaves as they are: whatever stands before a known ending is the name.
  const parts = /^\/v2\/models\/(.+?)(?:\/versions\/([^/]+))?(|\/ready|\/config|\/stats|\/infer)$/.exec(path);
  const model = decode(parts?.[1]);
  if (!parts || model === undefined) return undefined;
  const version = decode(parts[2]);
  if (version === undefined && parts[2] !== undefined) return undefined;
  // The expression lists the keys.
  return { kind: ofModel[parts[3] as keyof typeof ofModel], model, version };
}

function decode(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
