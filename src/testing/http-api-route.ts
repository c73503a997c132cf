// Which route of an HTTP API a request takes.
// Source: Amazon API Gateway Developer Guide, "Create routes for HTTP APIs in API Gateway".
import type { HttpAuthorizer } from './http-api-authorizer.ts';

export interface HttpRoute {
  /** `POST /iris/{proxy+}`, `ANY /iris`, or `$default`. */
  readonly key: string;
  readonly auth: 'NONE' | 'AWS_IAM' | HttpAuthorizer;
  readonly functionName: string;
  /** The version or alias; $LATEST where the template names none. */
  readonly qualifier: string;
}

export interface Matched {
  readonly route: HttpRoute;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The most specific one: a path without a greedy end before one with it, its own method before ANY, and $default at last. */
export function matchRoute(routes: readonly HttpRoute[], method: string, path: string): Matched | undefined {
  const matched = routes.flatMap((route) => {
    if (route.key === '$default') return [{ route, parameters: {}, rank: [0, 0, 0] }];
    const [verb, pattern = ''] = route.key.split(' ', 2);
    const parameters = verb === method || verb === 'ANY' ? parametersOf(pattern, path) : undefined;
    if (!parameters) return [];
    const literal = pattern.split('/').filter((part) => !part.startsWith('{')).length;
    return [{ route, parameters, rank: [pattern.endsWith('+}') ? 1 : 2, literal, verb === 'ANY' ? 0 : 1] }];
  });
  return matched.sort((a, b) => compare(b.rank, a.rank))[0];
}

function parametersOf(pattern: string, path: string): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  const parts = path.split('/');
  for (const [at, wanted] of pattern.split('/').entries()) {
    const [, name, greedy] = /^\{([^}+]+)(\+?)\}$/.exec(wanted) ?? [];
    const part = parts[at];
    if (name !== undefined && greedy) {
      const rest = parts.slice(at).join('/');
      return rest === '' ? undefined : { ...parameters, [name]: rest };
    }
    if (name !== undefined && part) parameters[name] = part;
    else if (part !== wanted) return undefined;
  }
  return parts.length === pattern.split('/').length ? parameters : undefined;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((each, index) => each !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
