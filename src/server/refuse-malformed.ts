// The answer to what is no HTTP request, too large a head, or too slow: Node's parser gives up before there is a request.
import type { Duplex } from 'node:stream';
import { rawAnswer } from './raw-answer.ts';

export function refuseMalformed(error: Error & { code?: string; rawPacket?: Buffer }, socket: Duplex): void {
  // An answer that has begun is not written into.
  const begun =
    'bytesWritten' in socket && '_httpMessage' in socket && Boolean(Object(socket._httpMessage).headersSent);
  if (error.code === 'ECONNRESET' || !socket.writable || begun) {
    socket.destroy();
    return;
  }
  const came = error.rawPacket?.[0] === TLS_HELLO ? 'the start of TLS: this port speaks plain HTTP' : error.message;
  const [status, text] = answers[error.code ?? ''] ?? [400, `expected an HTTP/1.1 request, got ${came}`];
  const code = status === 408 ? 'REQUEST_SLOW' : status === 400 ? 'INPUT_MESSAGE' : 'INPUT_TOO_LARGE';
  socket.end(rawAnswer({ status, code, error: text }));
}

/** The type of its first record. */
const TLS_HELLO = 0x16;

const answers: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not arrive within its time'],
  HPE_HEADER_OVERFLOW: [431, 'the headers are over the limit'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the chunk extensions are over the limit'],
};
