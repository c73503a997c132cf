// A compressed body as what was compressed, within a limit that holds while it grows.
import { promisify } from 'node:util';
import { gunzip, inflate as inflateZlib } from 'node:zlib';
import { GlowplugError, shorten } from './errors.ts';

/** @throws GlowplugError INPUT_ENCODING, INPUT_TOO_LARGE */
export async function inflate(bytes: Uint8Array, encoding: string, maxBytes: number): Promise<Uint8Array> {
  const name = encoding.trim().toLowerCase();
  if (name === 'identity') return bytes;
  if (name !== 'gzip' && name !== 'x-gzip' && name !== 'deflate') {
    throw new GlowplugError('INPUT_ENCODING', `expected Content-Encoding gzip or deflate, got ${shorten(encoding)}`);
  }
  try {
    return await promisify(name === 'deflate' ? inflateZlib : gunzip)(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new GlowplugError(
        'INPUT_TOO_LARGE',
        `expected a body of at most ${maxBytes} bytes when it is decompressed (maxBytes), got more`,
      );
    }
    throw new GlowplugError(
      'INPUT_ENCODING',
      `expected a body compressed with ${name}, got one that is not, or is cut off`,
      {
        cause,
      },
    );
  }
}
