// A server over one model, as glowplug serve has it, in this process; and a request as it goes over the wire.
import { mkdtemp, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { readContract } from '../../src/core/contract.ts';
import { loadUnits } from '../../src/server/load-units.ts';
import { prepare } from '../../src/server/prepare.ts';
import { startServer } from '../../src/server/server.ts';
import type { Session, SessionFactory } from '../../src/session/session.ts';

export const root = join(import.meta.dirname, '../..');
/** Each figure is of so many rounds, of so many milliseconds. */
export const [rounds, ms] = process.env['GLOWPLUG_BENCH_QUICK'] === '1' ? [2, 500] : [5, 2000];
export const flower = JSON.stringify({
  inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [5.1, 3.5, 1.4, 0.2] }],
});

export async function serverOver(file: string, folder: string, create: SessionFactory) {
  const own = await mkdtemp(join(folder, 'serve-'));
  const prepared = await prepare({ targets: [file], models: [] }, readContract(), own);
  const sessions: Session[] = [];
  const createSession: SessionFactory = async (path, options) => {
    const session = await create(await realpath(path), options);
    sessions.push(session);
    return session;
  };
  const units = loadUnits(prepared.units, { contract: readContract(), createSession, bodyBytes: 1e8 });
  const server = await startServer(units, { host: '127.0.0.1', port: 0, grpcPort: 0 });
  await server.warm();
  const close = async () => {
    await server[Symbol.asyncDispose]();
    for (const session of sessions) await session[Symbol.asyncDispose]();
  };
  return { server, handler: units[0]!.handler, close };
}

export function httpRequest(path: string, body: string): string {
  const method = body === '' ? 'GET' : 'POST';
  return `${method} ${path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
