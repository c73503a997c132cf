// A local S3 server behind a door that spoils requests: as the test says, by the number of the request.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { listen } from '../../src/testing/listen.ts';
import { clientOf } from '../testing/s3/contract/endpoint.ts';
import { temporaryServer } from '../testing/s3/temporary-server.ts';

export const faults = [
  'SlowDown',
  'InternalError',
  'reset before the request',
  'reset in the request',
  'reset before the answer',
  'reset in the answer',
  'short answer',
  'wrong bytes there',
  'wrong bytes back',
  'silence before the answer',
  'silence in the answer',
  'ExpiredToken',
  'RequestTimeTooSkewed',
  'AccessDenied',
  'NoSuchKey',
] as const;
export type Fault = (typeof faults)[number];

export interface FaultyS3 extends AsyncDisposable {
  readonly url: string;
  /** The fault of a request, by its number from 1 on, or none. */
  spoil(fault: (request: number, message: IncomingMessage) => Fault | undefined): void;
  /** Requests since `spoil`. */
  readonly requests: number;
}

export const bucket = 'models';
export { credentials } from '../testing/s3/temporary-server.ts';

export async function faultyS3(): Promise<FaultyS3> {
  await using opening = new AsyncDisposableStack();
  const inner = opening.use(await temporaryServer());
  const s3 = clientOf(inner);
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  s3.destroy();
  let requests = 0;
  let plan: Parameters<FaultyS3['spoil']>[0] = () => undefined;
  const server = createServer((message, response) => pass(inner.url, message, response, plan(++requests, message)));
  const { url } = opening.use(await listen(server, 0));
  const opened = opening.move();
  return {
    url,
    spoil(fault) {
      plan = fault;
      requests = 0;
    },
    get requests() {
      return requests;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await opened.disposeAsync();
    },
  };
}

/** S3's own answers, with the statuses that it gives them. */
const refusals: Partial<Record<Fault, number>> = {
  SlowDown: 503,
  InternalError: 500,
  ExpiredToken: 400,
  RequestTimeTooSkewed: 403,
  AccessDenied: 403,
  NoSuchKey: 404,
};

function pass(target: string, message: IncomingMessage, response: ServerResponse, fault: Fault | undefined): void {
  const status = fault && refusals[fault];
  if (fault === 'reset before the request') return void message.socket.destroy();
  if (status !== undefined) {
    message.resume();
    const body = message.method === 'HEAD' ? '' : `<Error><Code>${fault}</Code><Message>spoilt</Message></Error>`;
    return void message.on('end', () => response.writeHead(status, { 'content-type': 'application/xml' }).end(body));
  }
  if (fault === 'silence before the answer') return void message.resume();
  // The host is part of the signature.
  const options = { method: message.method, path: message.url, headers: message.headers };
  const passed = request(target, options, (answer) => reply(answer, response, message, fault));
  passed.on('error', () => response.destroy());
  message.on('error', () => passed.destroy());
  message.on('data', (chunk: Buffer) => {
    if (fault === 'wrong bytes there') chunk[chunk.length >> 1]! ^= 1;
    if (fault !== 'reset in the request') return void passed.write(chunk);
    passed.write(chunk.subarray(0, chunk.length >> 1));
    passed.destroy();
    message.socket.destroy();
  });
  message.on('end', () => passed.end());
}

function reply(answer: IncomingMessage, response: ServerResponse, message: IncomingMessage, fault: Fault | undefined) {
  const chunks: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => chunks.push(chunk));
  answer.on('end', () => {
    const body = Buffer.concat(chunks);
    const half = body.subarray(0, body.length >> 1);
    // The request did what it was for; nobody hears of it.
    if (fault === 'reset before the answer') return void message.socket.destroy();
    if (fault === 'wrong bytes back' && body.length > 0) body[body.length >> 1]! ^= 1;
    const short = fault === 'short answer' && body.length > 0;
    const headers = { ...answer.headers, ...(short ? { 'content-length': `${half.length}` } : {}) };
    response.writeHead(answer.statusCode ?? 500, headers);
    if (short) return void response.end(half);
    if (fault === 'reset in the answer') return void response.write(half, () => message.socket.destroy());
    if (fault === 'silence in the answer' && body.length > 0) return void response.write(half);
    response.end(body);
  });
}
