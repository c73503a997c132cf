// The canonical request of AWS Signature Version 4: the one text that client and server must both arrive at.

export type QueryPair = readonly [name: string, value: string];

export interface CanonicalInput {
  readonly method: string;
  readonly path: string;
  /** Decoded. */
  readonly pairs: readonly QueryPair[];
  readonly headers: Readonly<Record<string, string>>;
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
  /** All services but S3 encode the encoded path once more, without its dot segments and doubled slashes. */
  readonly encodePathTwice: boolean;
}

/** undefined when the path is not valid percent-encoding. */
export function canonicalRequest(input: CanonicalInput): string | undefined {
  const path = input.encodePathTwice ? encodePath(normalise(input.path)) : recode(input.path);
  if (path === undefined) return undefined;
  const headers = input.signedHeaders.map((name) => {
    const value = Object.hasOwn(input.headers, name) ? input.headers[name]! : '';
    return `${name}:${value.trim().replace(/\s+/g, ' ')}\n`;
  });
  return [
    input.method,
    path,
    canonicalQuery(input.pairs),
    headers.join(''),
    input.signedHeaders.join(';'),
    input.payloadHash,
  ].join('\n');
}

/** Decoded names and values in order; undefined when the query is not valid percent-encoding. */
export function queryPairs(query: string): QueryPair[] | undefined {
  try {
    return query
      .split('&')
      .filter((part) => part !== '')
      .map((part) => {
        const at = part.indexOf('=');
        const name = at < 0 ? part : part.slice(0, at);
        return [decodeForm(name), at < 0 ? '' : decodeForm(part.slice(at + 1))] as const;
      });
  } catch {
    return undefined;
  }
}

/** Percent-encodes everything but RFC 3986's unreserved characters, as AWS asks. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function canonicalQuery(pairs: readonly QueryPair[]): string {
  return pairs
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The wire's own encoding may be lazy (`!`, `(`, `+` for a space): S3 decodes it and encodes it strictly. */
function recode(path: string): string | undefined {
  try {
    return encodePath(decodeForm(path)) || '/';
  } catch {
    return undefined;
  }
}

function encodePath(path: string): string {
  return uriEncode(path).replaceAll('%2F', '/');
}

function normalise(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}${kept.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

/** Throws URIError when the text is not valid percent-encoding of UTF-8. */
export function decodeForm(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
