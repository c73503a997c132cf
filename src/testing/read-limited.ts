// The whole body of a request, unless it is over a limit.
import type { IncomingMessage } from 'node:http';

/** undefined when it is over the limit, after it was read to its end, so that the answer is heard. */
export async function readLimited(message: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message) {
    bytes += chunk.length;
    if (bytes <= limit) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes <= limit ? Buffer.concat(chunks) : undefined;
}
