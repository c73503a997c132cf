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
    const code = cause instanceof Error && 'code' in cause ? `${cause.code}` : '';
    const elsewhere = notHere[code];
    if (elsewhere) {
      throw new GlowplugError('CONFIG_INVALID', `expected an address of this machine, got ${host}: ${elsewhere}`, {
        cause,
        remedy: 'Give --host one of its addresses: 127.0.0.1, or 0.0.0.0 for all of them.',
      });
    }
    const why = notFree[code] ?? String(cause);
    throw new GlowplugError('CONFIG_INVALID', `expected port ${port} of ${host} to be free: ${why}`, {
      cause,
      remedy: `End the program that listens there, or choose another port with ${option}.`,
    });
  }
}

const notHere: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such name is known',
  EAI_AGAIN: 'nobody answers who knows names',
  EADDRNOTAVAIL: 'no interface has it',
};

const notFree: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens on it',
  EACCES: 'this user may not listen on it',
};
