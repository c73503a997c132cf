// A local S3 server behind a door that spoils requests: as the test says, by the number of the request.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { listen } from '../../src/testing/listen.ts';
import { s3Listener } from '../../src/testing/s3/server.ts';
import { type Spoil, spoiling } from '../../src/testing/s3/spoil.ts';
import { clientOf } from '../testing/s3/contract/endpoint.ts';
import { credentials } from '../testing/s3/temporary-server.ts';

const effects = {
  SlowDown: { status: 503 },
  InternalError: { status: 500 },
  'reset before the request': { reset: 'before the request' },
  'reset in the request': { reset: 'in the request' },
  'reset before the answer': { reset: 'before the answer' },
  'reset in the answer': { reset: 'in the answer' },
  'short answer': { short: true },
  'wrong bytes there': { wrong: 'in the request' },
  'wrong bytes back': { wrong: 'in the answer' },
  'silence before the answer': { silent: 'before the answer' },
  'silence in the answer': { silent: 'in the answer' },
  ExpiredToken: { status: 400, code: 'ExpiredToken' },
  RequestTimeTooSkewed: { status: 403, code: 'RequestTimeTooSkewed' },
  AccessDenied: { status: 403 },
  NoSuchKey: { status: 404 },
} as const satisfies Record<string, Spoil>;

export type Fault = keyof typeof effects;
// Object.keys knows the names and not their type.
export const faults = Object.keys(effects) as Fault[];

export interface FaultyS3 extends AsyncDisposable {
  readonly url: string;
  /** The fault of a request, by its number from 1 on, or none. */
  spoil(fault: (request: number, message: IncomingMessage) => Fault | undefined): void;
  /** Requests since `spoil`. */
  readonly requests: number;
}

export const bucket = 'models';
export { credentials };

export async function faultyS3(): Promise<FaultyS3> {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-s3-'));
  opening.defer(async () => await rm(folder, { recursive: true, force: true }));
  const { listener, settled } = await s3Listener({ folder, credentials });
  opening.defer(settled);
  let requests = 0;
  let plan: Parameters<FaultyS3['spoil']>[0] = () => undefined;
  const door = spoiling(listener, (message) => {
    const fault = plan(++requests, message);
    return fault && effects[fault];
  });
  const server = createServer(door).on('checkContinue', door);
  const { url } = opening.use(await listen(server, 0));
  const s3 = clientOf({ url, region: 'us-east-1', credentials });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  s3.destroy();
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
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
