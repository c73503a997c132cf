// An S3 that is as slow as the real one, in a process of its own: a time to the first byte, a limit for each connection
// and one for all together. Reads plain GETs and ranges over a folder whose files it keeps in memory; checks no signatures.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, relative, sep } from 'node:path';

export interface Speed {
  readonly firstByteMs: number;
  /** MB (10⁶ bytes) a second. */
  readonly connectionMbs: number;
  readonly totalMbs: number;
}

interface Flow {
  readonly response: ServerResponse;
  readonly bytes: Uint8Array;
  at: number;
}

/** Timers fire a millisecond apart at best; a share of less than this is left for the next one. */
const tickMs = 2;
/** A machine that was busy for longer does not send the rest at once: the network would not, either. */
const longestTickMs = 25;

let speed: Speed = { firstByteMs: 30, connectionMbs: 85, totalMbs: 150 };
const flows = new Set<Flow>();
let last = performance.now();
let ticking: NodeJS.Timeout | undefined;
const objects = readFolder(process.argv[2] ?? '.');

process.on('message', (message: Speed) => {
  speed = message;
  process.send?.({ kind: 'speed' });
});
process.on('disconnect', () => process.exit());

const server = createServer({ keepAliveTimeout: 60_000 }, answer);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) process.send?.({ kind: 'listening', port: address.port });
});

/** Path style: /bucket/key. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const key = decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname).replace(/^\/[^/]+\//, '');
  const object = objects.get(key);
  if (request.method !== 'GET' || !object) {
    response.writeHead(404, { 'content-type': 'application/xml' });
    response.end('<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>');
    return;
  }
  const [, first, lastByte] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first ?? 0);
  const end = Math.min(Number(lastByte ?? object.length - 1) + 1, object.length);
  const headers = { etag: `"${key.length}-${object.length}"`, 'content-length': end - start, 'accept-ranges': 'bytes' };
  setTimeout(() => {
    if (first === undefined) response.writeHead(200, headers);
    else response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${end - 1}/${object.length}` });
    const flow: Flow = { response, bytes: object.subarray(start, end), at: 0 };
    response.on('close', () => flows.delete(flow));
    flows.add(flow);
    if (!ticking) {
      last = performance.now();
      ticking = setInterval(tick, tickMs);
    }
  }, speed.firstByteMs);
}

/** Everyone gets the same share; what a connection cannot take goes to the others. */
function tick(): void {
  const now = performance.now();
  const ms = Math.min(now - last, longestTickMs);
  last = now;
  let left = speed.totalMbs * 1000 * ms;
  const limit = speed.connectionMbs * 1000 * ms;
  const open = [...flows].filter(({ response }) => !response.writableNeedDrain);
  open.sort((a, b) => remaining(a) - remaining(b));
  for (const [index, flow] of open.entries()) {
    const share = Math.floor(Math.min(remaining(flow), limit, left / (open.length - index)));
    left -= share;
    send(flow, share);
  }
  if (flows.size > 0) return;
  clearInterval(ticking);
  ticking = undefined;
}

function send(flow: Flow, bytes: number): void {
  const { response } = flow;
  const piece = flow.bytes.subarray(flow.at, flow.at + bytes);
  flow.at += bytes;
  if (remaining(flow) > 0) response.write(piece);
  else {
    flows.delete(flow);
    response.end(piece);
  }
}

function remaining({ bytes, at }: Flow): number {
  return bytes.length - at;
}

function readFolder(folder: string): Map<string, Uint8Array> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [relative(folder, path).replaceAll(sep, '/'), readFileSync(path)];
    }),
  );
}
