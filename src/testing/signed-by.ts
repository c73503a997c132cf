// Who signed a request to one of Lambda's front doors, or to another service of the local cloud.
import type { IncomingMessage } from 'node:http';
import { type SigV4Options, sha256Hex, verifySigV4 } from './sigv4.ts';

export interface Gate {
  secretFor(accessKeyId: string): string | undefined;
  readonly region: string;
  readonly now: () => Date;
}

/** The access key that signed this body with these headers for the service. Throws SigV4Error. */
export function signedBy(
  message: IncomingMessage,
  body: Uint8Array,
  { secretFor, region, now }: Gate,
  service = 'lambda',
): string {
  const [path, query] = splitTarget(message);
  const headers = Object.fromEntries(
    Object.entries(message.headersDistinct).map(([name, values]) => [name, (values ?? []).join(',')]),
  );
  const options: SigV4Options = { service, region, secretFor, now: now() };
  return verifySigV4({ method: message.method ?? '', path, query, headers, bodySha256: sha256Hex(body) }, options)
    .accessKeyId;
}

/** Path and query, both as they came: still percent-encoded. */
export function splitTarget({ url = '/' }: IncomingMessage): [path: string, query: string] {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}
