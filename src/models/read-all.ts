// A stream as bytes, where a limit was agreed before.
import { GlowplugError } from '../core/errors.ts';

/** @throws GlowplugError INPUT_TOO_LARGE as soon as more than `limit` bytes have come. */
export async function readAll(stream: AsyncIterable<Uint8Array>, limit: number, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit)
      throw new GlowplugError('INPUT_TOO_LARGE', `expected at most ${limit} bytes of ${what}, got more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
