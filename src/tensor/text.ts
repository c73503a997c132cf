// A text's bytes in the charset that the sender names, and texts within limits.
import { GlowplugError, shorten } from '../core/errors.ts';

/**
 * @param charset any label of the Encoding Standard: utf-8, iso-8859-1, windows-1252, shift_jis, utf-16le, …
 * @throws GlowplugError INPUT_TEXT for an unknown charset, or bytes that are not in it
 * @example
 * decodeCharset(Uint8Array.of(0x80), 'windows-1252'); // '€'
 */
export function decodeCharset(bytes: Uint8Array, charset: string): string {
  const decoder = decoderOf(charset);
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

function decoderOf(charset: string) {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch {
    throw new GlowplugError('INPUT_TEXT', `expected a charset of the Encoding Standard, got ${shorten(charset)}`);
  }
}

function kind(value: unknown): string {
  return value === null
    ? 'null'
    : Array.isArray(value)
      ? 'an array'
      : value === undefined
        ? 'none'
        : `a ${typeof value}`;
}
