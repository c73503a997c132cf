// As much of S3 as a publish needs, in a process of its own: each connection takes so many bytes a second, and no more.
// What it costs the publisher is what S3 would; what it checks is little, for its cores are the publisher's.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { crc32 } from 'node:zlib';

const [rate = '85', latency = '0'] = process.argv.slice(2);
const bytesPerMs = Number(rate) * 1_000;
const objects = new Map<string, { size: number; bytes: Buffer | undefined }>();
/** When each connection will have taken what it was given. */
const dueOf = new WeakMap<Socket, number>();
let uploads = 0;

const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}` });
});
process.on('disconnect', () => process.exit());

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://s3');
  const body = await receive(request);
  if (Number(latency) > 0) await new Promise((resolve) => setTimeout(resolve, Number(latency)));
  const there = objects.get(pathname);
  const part = searchParams.has('partNumber');
  if (part && request.method === 'PUT') {
    const right = request.headers['x-amz-checksum-crc32'] === body.crc32;
    response.writeHead(right ? 200 : 400, { etag: `"${body.crc32}"` }).end();
  } else if (searchParams.has('uploads') && request.method === 'POST') {
    response.end(`<InitiateMultipartUploadResult><UploadId>${++uploads}</UploadId></InitiateMultipartUploadResult>`);
  } else if (searchParams.has('uploads')) {
    response.end('<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>');
  } else if (searchParams.has('uploadId') && request.method === 'GET') {
    response.end('<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>');
  } else if (searchParams.has('uploadId')) {
    objects.set(pathname, { size: Number(request.headers['x-amz-mp-object-size']), bytes: undefined });
    response.end('<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>');
  } else if (request.method === 'PUT') {
    objects.set(pathname, { size: body.size, bytes: body.bytes });
    response.writeHead(200, { etag: '"e"' }).end();
  } else if (there) {
    response.writeHead(200, { etag: '"e"', 'content-length': there.size }).end(there.bytes);
  } else {
    response.writeHead(404).end(request.method === 'HEAD' ? '' : '<Error><Code>NoSuchKey</Code></Error>');
  }
}

/** Reads no faster than the connection is; the kernel's buffers let the sender be a little ahead, the answer waits for the rest. */
async function receive(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  let [size, crc] = [0, 0];
  const keep = Number(request.headers['content-length'] ?? 0) < 1_000_000;
  for await (const chunk of request) {
    size += chunk.length;
    crc = crc32(chunk, crc);
    if (keep) chunks.push(chunk);
    const now = performance.now();
    const due = Math.max(dueOf.get(request.socket) ?? now, now - 1) + chunk.length / bytesPerMs;
    dueOf.set(request.socket, due);
    // Timers are of milliseconds: what is less is owed until the next chunk.
    if (due - now > 2) await new Promise((resolve) => setTimeout(resolve, due - now));
  }
  const four = Buffer.alloc(4);
  four.writeUInt32BE(crc);
  return { size, bytes: keep ? Buffer.concat(chunks) : undefined, crc32: four.toString('base64') };
}
