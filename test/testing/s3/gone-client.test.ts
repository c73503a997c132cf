// A client that was killed, or is frozen, while it is answered.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { listen } from '../../../src/testing/listen.ts';
import { send } from '../../../src/testing/s3/send.ts';

it.each([
  ['before', true],
  ['while', false],
])(
  'an answer ends when its client goes %s it is sent, so that the server can end',
  async (_when, before) => {
    const ended = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const answer = async (response: ServerResponse) => {
      asked.resolve();
      if (before) await once(response, 'close');
      // More than the sockets' buffers hold.
      await send(response, 'GET', { status: 200, body: 'x'.repeat(before ? 1 : 20_000_000) });
    };
    const server = createServer((_message, response) => void answer(response).then(ended.resolve, ended.reject));
    await using bound = await listen(server, 0);
    const client = connect(bound.port, '127.0.0.1');
    client.pause();
    client.write('GET / HTTP/1.1\r\nhost: any\r\n\r\n');
    await asked.promise;
    client.destroy();
    await ended.promise;
    expect(bound.port).toBeGreaterThan(0);
  },
  5_000,
);
