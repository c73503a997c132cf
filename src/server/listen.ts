// A server on a port, or one message of why not.
import { once } from 'node:events';
import type { Server } from 'node:net';
import { GlowplugError } from '../core/errors.ts';

/** @param option that chooses the port @throws GlowplugError CONFIG_INVALID */
export async function listen(server: Server, host: string, port: number, option = '--port'): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new GlowplugError('CONFIG_INVALID', `expected port ${port} of ${host} to be free: ${reason(cause)}`, {
      cause,
      remedy: `End the program that listens there, or choose another port with ${option}.`,
    });
  }
}

function reason(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'EADDRINUSE') return 'another program listens on it';
  return code === 'EACCES' ? 'this user may not listen on it' : String(cause);
}
