// Bytes on a socket, for what no well-behaved client sends.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export async function rawSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  // What a server that gave up does to the rest of our bytes is not an error of the test.
  socket.on('error', () => {});
  return socket;
}

/** Everything until the server closes. */
export async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  if (!socket.destroyed) await new Promise((closed) => socket.once('close', closed));
  return text;
}
