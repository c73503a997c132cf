// JSON of a client, and whether a body is JSON at all.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { HttpRequest } from '../core/light-http.ts';

/** @throws GlowplugError INPUT_JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GlowplugError(
      'INPUT_JSON',
      `expected JSON: ${error instanceof Error ? shorten(error.message, 120) : 'it cannot be parsed'}`,
    );
  }
}

export function isJson(request: HttpRequest): boolean {
  return /^application\/([\w.-]+\+)?json\b/i.test(request.headers.get('content-type') ?? '');
}
