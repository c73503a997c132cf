// Binds an HTTP server to the loopback interface and gives it an end.
import type { Server } from 'node:http';
import { GlowplugError } from '../core/errors.ts';

export interface Bound extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** Port 0 takes a free one. Throws CONFIG_INVALID when the port is taken. Disposing ends open connections. */
export async function listen(server: Server, port: number): Promise<Bound> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(asPortError(error, port)));
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  const bound = typeof address === 'object' && address ? address.port : port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function asPortError(error: Error, port: number): Error {
  if (!('code' in error) || error.code !== 'EADDRINUSE') return error;
  return new GlowplugError('CONFIG_INVALID', `expected port ${port} to be free, but another program listens on it`, {
    cause: error,
    remedy: 'End that program, or choose another port with --port.',
  });
}
