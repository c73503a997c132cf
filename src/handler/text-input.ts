// Text as an input: plain in any charset, or JSON.
import { MAX_BODY_BYTES, readBody, readText } from '../core/body.ts';
import { GlowplugError, shorten } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { HttpRequest } from '../core/light-http.ts';
import { checkText, decodeCharset } from '../tensor/text.ts';
import type { Input } from './input.ts';
import { ownDecode } from './own-decode.ts';
import { isJson, parseJson } from './parse-json.ts';

export interface TextLimits {
  /** Of one text, counted as JavaScript counts them: UTF-16 code units. */
  readonly maxCharacters: number;
  readonly maxBytes?: number;
}

const contentTypes = ['application/json', 'text/plain'];

/**
 * One text: JSON `{ "text": "…" }`, or text/plain in the charset that it names (UTF-8 without one).
 *
 * @throws GlowplugError INPUT_EMPTY, INPUT_JSON, INPUT_TEXT, INPUT_TOO_LARGE
 * @example
 * inference({ input: text({ maxCharacters: 100_000 }), predict: ({ text }) => … })
 */
export function text(options: TextLimits): Input<{ text: string }> {
  const { maxCharacters, maxBytes = MAX_BODY_BYTES } = options;
  return {
    kind: 'text',
    accepts: { contentTypes, jsonField: { name: 'text', as: 'text' }, limits: { maxBytes, maxCharacters } },
    decode: ownDecode(async (request) => {
      const body = await read(request, maxBytes);
      if (typeof body === 'string') return { text: checkText(body, 'the body', maxCharacters) };
      return { text: checkText(body['text'], 'text', maxCharacters) };
    }),
  };
}

/**
 * Several texts: JSON `{ "texts": ["…", "…"] }`; one alone may come as `text()` takes it.
 *
 * @throws GlowplugError INPUT_EMPTY, INPUT_JSON, INPUT_TEXT (names which), INPUT_TOO_LARGE
 * @example
 * inference({ input: texts({ maxTexts: 64, maxCharacters: 10_000 }), predict: ({ texts }) => … })
 */
export function texts(options: TextLimits & { readonly maxTexts: number }): Input<{ texts: readonly string[] }> {
  const { maxTexts, maxCharacters, maxBytes = MAX_BODY_BYTES } = options;
  return {
    kind: 'text',
    accepts: { contentTypes, jsonField: { name: 'texts', as: 'texts' }, limits: { maxBytes, maxTexts, maxCharacters } },
    decode: ownDecode(async (request) => {
      const body = await read(request, maxBytes);
      if (typeof body === 'string') return { texts: [checkText(body, 'the body', maxCharacters)] };
      const { texts = [body['text']] } = body;
      if (!Array.isArray(texts) || texts.length === 0) {
        throw new GlowplugError('INPUT_TEXT', `expected JSON { "texts": ["…"] }, got texts ${shorten(texts)}`);
      }
      if (texts.length > maxTexts) {
        throw new GlowplugError(
          'INPUT_TOO_LARGE',
          `expected at most ${maxTexts} texts (maxTexts), got ${texts.length}`,
        );
      }
      return { texts: texts.map((one, at) => checkText(one, `texts[${at}]`, maxCharacters)) };
    }),
  };
}

/** A plain text, or the object that JSON holds. */
async function read(request: HttpRequest, maxBytes: number): Promise<string | Readonly<Record<string, unknown>>> {
  if (isJson(request)) {
    const body = parseJson(await readText(request, maxBytes));
    if (isRecord(body)) return body;
    throw new GlowplugError('INPUT_TEXT', 'expected JSON { "text": "…" }, got JSON that is no object');
  }
  const contentType = request.headers.get('content-type') ?? '';
  if (!/^text\/plain\b/i.test(contentType)) {
    throw new GlowplugError('INPUT_TEXT', `expected ${contentTypes.join(' or ')}, got ${shorten(contentType)}`, {
      remedy: 'Set the header Content-Type: curl -H "content-type: text/plain" --data-binary @file',
    });
  }
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1];
  return decodeCharset(await readBody(request, maxBytes), charset ?? 'utf-8');
}
