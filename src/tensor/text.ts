// A text's bytes in the charset that the sender names, and texts within limits.
import { GlowplugError, shorten } from '../core/errors.ts';

/**
 * @param charset any label of the Encoding Standard: utf-8, iso-8859-1, windows-1252, shift_jis, utf-16le, …
 * @throws GlowplugError INPUT_TEXT for an unknown charset, bytes that are not in it, or that were lost on the way
 * @example
 * decodeCharset(Uint8Array.of(0x80), 'windows-1252'); // '€'
 */
export function decodeCharset(bytes: Uint8Array, charset: string): string {
  const decoder = decoderOf(charset);
  if (singleByte.test(decoder.encoding) && Buffer.from(bytes).includes(replacement)) {
    throw new GlowplugError(
      'INPUT_TEXT',
      `expected text in ${decoder.encoding}, got what UTF-8 has for a lost character`,
      {
        remedy: 'A function URL carries text as UTF-8, and puts U+FFFD for the rest: send UTF-8 (iconv -t utf-8).',
      },
    );
  }
  try {
    return decoder.decode(bytes);
  } catch {
    throw new GlowplugError('INPUT_TEXT', `expected text in ${decoder.encoding}, got bytes that are not`, {
      remedy: 'Name the charset in Content-Type: text/plain; charset=windows-1252.',
    });
  }
}

/** @throws GlowplugError INPUT_TEXT for what is no text, an empty one, or half a surrogate pair; INPUT_TOO_LARGE */
export function checkText(value: unknown, where: string, maxCharacters: number): string {
  if (typeof value !== 'string') throw new GlowplugError('INPUT_TEXT', `${where}: expected text, got ${kind(value)}`);
  if (value.length > maxCharacters) {
    throw new GlowplugError(
      'INPUT_TOO_LARGE',
      `${where}: expected at most ${maxCharacters} characters (maxCharacters), got ${value.length}`,
    );
  }
  if (value.trim() === '') throw new GlowplugError('INPUT_TEXT', `${where}: expected text, got none`);
  // Half a surrogate pair has no UTF-8: whatever takes the text on would put another character for it.
  if (!value.isWellFormed())
    throw new GlowplugError('INPUT_TEXT', `${where}: expected whole characters, got half of one`);
  return value;
}

/** Where U+FFFD in UTF-8 would be "ï¿½" and the like, which nobody writes. */
const singleByte = /^(windows|iso|ibm|koi8|macintosh|x-mac)-?/;
const replacement = Buffer.of(0xef, 0xbf, 0xbd);

function decoderOf(charset: string) {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch {
    throw new GlowplugError('INPUT_TEXT', `expected a charset of the Encoding Standard, got ${shorten(charset)}`);
  }
}

function kind(value: unknown): string {
  if (value === undefined) return 'none';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
