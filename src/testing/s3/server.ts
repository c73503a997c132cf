// The local S3 server: what the real AWS SDK needs of S3, with its conditions kept, persistent in a folder.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { listen } from '../listen.ts';
import { SigV4Error, verifySigV4 } from '../sigv4.ts';
import { Bucket } from './bucket.ts';
import type { Shelf } from './buckets.ts';
import { errorXml, S3Error, toS3Error } from './errors.ts';
import { operate } from './operations.ts';
import { readTarget, type S3Request, withHoistedHeaders } from './request.ts';
import { send } from './send.ts';

export interface S3Options {
  /** Buckets and objects live here, and are there again after a restart. One server at a time for a folder. */
  readonly folder: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly now?: () => Date;
}

export interface S3Server extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/**
 * Serves S3 on 127.0.0.1, buckets in the path. Port 0, the default, takes a free one.
 *
 * @example
 * await using s3 = await startS3Server({ folder, credentials });
 * const client = new S3Client({ endpoint: s3.url, region: 'us-east-1', credentials, forcePathStyle: true });
 */
export async function startS3Server({
  port = 0,
  ...options
}: S3Options & { readonly port?: number }): Promise<S3Server> {
  const { listener, settled } = await s3Listener(options);
  // A gigabyte may take its time; a silent connection may not.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 30_000 }, listener);
  server.on('checkContinue', listener);
  server.setTimeout(120_000);
  const bound = await listen(server, port);
  return {
    ...bound,
    [Symbol.asyncDispose]: async () => {
      await bound[Symbol.asyncDispose]();
      await settled();
    },
  };
}

/** For a server of one's own, which must pass `checkContinue` on to it too. `settled` waits for the work on disk. */
export async function s3Listener(options: S3Options): Promise<{ listener: RequestListener; settled(): Promise<void> }> {
  const shelf = await openShelf(options.folder);
  const running = new Set<Promise<void>>();
  return {
    listener: (message, response) => {
      const work = answer(shelf, options, message, response)
        .catch(() => void response.destroy())
        .finally(() => running.delete(work));
      running.add(work);
    },
    settled: async () => {
      await Promise.all(running);
      await Promise.all([...shelf.buckets.values()].map((bucket) => bucket.settled()));
    },
  };
}

/** What an earlier process left unfinished is in `tmp`, and goes. */
async function openShelf(folder: string): Promise<Shelf> {
  const shelf = { buckets: new Map<string, Bucket>(), folder: join(folder, 'buckets'), tmp: join(folder, 'tmp') };
  await rm(shelf.tmp, { recursive: true, force: true });
  await mkdir(shelf.tmp, { recursive: true });
  await mkdir(shelf.folder, { recursive: true });
  for (const name of await readdir(shelf.folder)) {
    shelf.buckets.set(name, await Bucket.open(shelf.folder, name, shelf.tmp));
  }
  return shelf;
}

async function answer(
  shelf: Shelf,
  options: S3Options,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase();
  response.setHeader('x-amz-request-id', requestId);
  response.setHeader('server', 'glowplug-s3');
  const method = message.method ?? '';
  try {
    await send(response, method, await operate(shelf, readRequest(options, message, response)));
  } catch (thrown) {
    // Half an answer is out: the client must see that it broke off.
    if (response.headersSent || message.socket.destroyed) return void response.destroy();
    const error = toS3Error(thrown);
    // A body that was never asked for will not come; the next request must not be taken for it.
    if (message.headers.expect !== undefined) response.shouldKeepAlive = false;
    const body = errorXml(error, message.url ?? '', requestId);
    await send(response, method, { status: error.status, headers: error.headers, body });
  }
}

function readRequest({ credentials, now }: S3Options, message: IncomingMessage, response: ServerResponse): S3Request {
  const target = readTarget(message);
  const at = now?.() ?? new Date();
  const { accessKeyId, secretAccessKey } = credentials;
  try {
    const signature = verifySigV4(
      { method: target.method, path: target.path, query: target.rawQuery, headers: target.headers },
      { service: 's3', secretFor: (id) => (id === accessKeyId ? secretAccessKey : undefined), now: at },
    );
    const body = () => {
      if (message.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
      // Who stops reading half way still wants to answer: the rest is drained behind the answer.
      return message.iterator({ destroyOnReturn: false });
    };
    return { ...target, headers: withHoistedHeaders(target), signature, now: at, body };
  } catch (error) {
    if (error instanceof SigV4Error) throw new S3Error(error.code, { message: error.message });
    throw error;
  }
}
