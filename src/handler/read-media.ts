// The bytes of an image or a recording: the body itself, or base64 in JSON where only JSON travels.
import { readBody, readText } from '../core/body.ts';
import { GlowplugError } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { HttpRequest } from '../core/light-http.ts';
import { isJson, parseJson } from './parse-json.ts';

interface Media {
  /** Name of the value in JSON. */
  readonly field: 'image' | 'audio';
  /** What it is when it is none. */
  readonly code: 'INPUT_IMAGE' | 'INPUT_AUDIO';
  readonly maxBytes: number;
}

/** @throws GlowplugError INPUT_EMPTY, INPUT_ENCODING, INPUT_JSON, INPUT_TOO_LARGE, and `code` for JSON without the field */
export async function readMedia(request: HttpRequest, { field, code, maxBytes }: Media): Promise<Uint8Array> {
  if (!isJson(request)) return await readBody(request, maxBytes);
  const body = parseJson(await readText(request, maxBytes));
  const value = isRecord(body) ? body[field] : undefined;
  if (typeof value === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(value)) return Buffer.from(value, 'base64');
  throw new GlowplugError(
    code,
    `expected JSON { "${field}": "<base64>" }, or the ${field} itself as the body with its own content type`,
  );
}
