// Turns an operation's answer into HTTP: XML, or bytes of data files with back-pressure.
import { createReadStream } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { DataPiece, S3Response } from './response.ts';

export async function send(response: ServerResponse, method: string, answer: S3Response): Promise<void> {
  const { status, headers = {}, body } = answer;
  try {
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) response.setHeader(name, value);
    }
    response.statusCode = status;
    if (typeof body === 'object') {
      await pipeline(readPieces(body.pieces), response);
      return;
    }
    const text = Buffer.from(body ?? '');
    if (text.length > 0) response.setHeader('content-type', 'application/xml');
    if (status !== 204 && status !== 304 && !response.hasHeader('content-length')) {
      response.setHeader('content-length', String(method === 'HEAD' ? 0 : text.length));
    }
    await ended(response, method === 'HEAD' ? undefined : text);
  } finally {
    if (typeof body === 'object') body.release();
  }
}

/** Also when nobody is there any more: an answer to a client that was killed never finishes, it closes. */
async function ended(response: ServerResponse, text: Buffer | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.end(text, resolve);
    if (response.destroyed) resolve();
  });
}

/** The bytes of the pieces, in order. Throws when a file is shorter than its record says: half an answer is none. */
export async function* readPieces(pieces: readonly DataPiece[]): AsyncGenerator<Uint8Array> {
  for (const { path, first, last } of pieces) {
    let left = last - first + 1;
    const file = createReadStream(path, { start: first, end: last, highWaterMark: 256 * 1024 });
    for await (const bytes of file) {
      left -= bytes.length;
      yield bytes;
    }
    if (left !== 0) throw new Error(`a data file is ${left} bytes shorter than its record says`);
  }
}
