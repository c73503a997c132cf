// JSON of a client, and whether a body is JSON at all.
import { GlowplugError } from '../core/errors.ts';
import type { HttpRequest } from '../core/light-http.ts';

/** @throws GlowplugError INPUT_JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8 quotes some characters of the text, never all of a long one.
    throw new GlowplugError(
      'INPUT_JSON',
      `expected JSON: ${error instanceof Error ? error.message : 'it cannot be parsed'}`,
    );
  }
}

export function isJson(request: HttpRequest): boolean {
  return /^application\/([\w.-]+\+)?json\b/i.test(request.headers.get('content-type') ?? '');
}
