// Whether a request carries a key that the server knows.
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { keyring } from '../core/api-keys.ts';
import { GlowplugError } from '../core/errors.ts';

/** @throws GlowplugError UNAUTHORIZED from what it returns; no keys let everybody in */
export function keyCheck(keys: readonly string[]): (headers: IncomingHttpHeaders) => void {
  const knows = keyring(keys);
  return (headers) => {
    if (keys.length === 0 || knows(keyOf(headers))) return;
    throw new GlowplugError('UNAUTHORIZED', 'expected an API key that this server knows', {
      headers: { 'www-authenticate': 'Bearer' },
    });
  };
}

/**
 * One key a line; lines that begin with # say whose it is.
 *
 * @throws GlowplugError CONFIG_INVALID when the file cannot be read, or holds none: that would let everybody in
 */
export async function readKeys(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const keys = text === undefined ? [] : parseKeys(text);
  if (keys.length > 0) return keys;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected a key a line in ${path}, ${text === undefined ? 'it cannot be read' : 'it holds none'}`,
    { remedy: 'Write at least one key into the file, or leave the option out to answer everybody.' },
  );
}

function parseKeys(text: string): string[] {
  return text.split('\n').flatMap((line) => (line.startsWith('#') ? [] : line.trim() || []));
}

function keyOf(headers: IncomingHttpHeaders): string {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  const own = headers['x-api-key'];
  return bearer ?? (typeof own === 'string' ? own : '');
}
