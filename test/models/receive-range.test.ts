// A range over a bare socket: the one answer that it takes, and what becomes of every other.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import { receiveRange, type WantedRange } from '../../src/models/stores/receive-range.ts';
import { runs } from '../runs.ts';
import { selfSigned } from './self-signed.ts';

const object = randomBytes(700_000);
const [first, last] = [1000, 600_999];
const wanted = object.subarray(first, last + 1);
const head = [
  'HTTP/1.1 206 Partial Content',
  `Content-Range: bytes ${first}-${last}/${object.length}`,
  `Content-Length: ${wanted.length}`,
  'ETag: "e"',
].join('\r\n');
const whole = Buffer.concat([Buffer.from(`${head}\r\n\r\n`), wanted]);

describe('a range over a bare socket', () => {
  it('lands whole, from a request that says who it is', async () => {
    const { result, landed, request, sent } = await receive((socket) => socket.end(whole));
    expect(result).toBe(true);
    expect(landed().equals(wanted)).toBe(true);
    expect(request()).toBe(
      `GET /models/weights HTTP/1.1\r\nhost: models.example\r\nrange: bytes=${first}-${last}\r\nconnection: close\r\n\r\n`,
    );
    expect(sent()).toBe(1);
  });

  it('lands the same however the network cuts it', async () => {
    const count = runs(20);
    for (let run = 0; run < count; run++) {
      const { landed } = await receive(async (socket) => {
        for (let at = 0, size = 1; at < whole.length; at += size, size = 1 + ((at * 7919 + run) % 60_000)) {
          if (at < 300) size = 1 + (run % 40);
          if (!socket.write(whole.subarray(at, at + size))) await once(socket, 'drain');
          if (at < 300) await new Promise(setImmediate);
        }
        socket.end();
      });
      expect(landed().equals(wanted)).toBe(true);
    }
    console.log(`a range cut in ${count} ways: each landed as it was`);
  });

  it('lands over TLS, from a server whose certificate holds, and from no other', async () => {
    const pair = selfSigned();
    const respond = (socket: Socket) => socket.end(whole);
    await using stranger = await listening(createTlsServer(pair, answering(respond)));
    expect((await receiveFrom(stranger.url('https'))).result).toBe(false);
    const before = getCACertificates('default');
    setDefaultCACertificates([...before, pair.cert]);
    try {
      await using server = await listening(createTlsServer(pair, answering(respond)));
      const { result, landed } = await receiveFrom(server.url('https'));
      expect(result).toBe(true);
      expect(landed().equals(wanted)).toBe(true);
    } finally {
      setDefaultCACertificates(before);
    }
  });

  it('takes no more than was asked for of who sends more', async () => {
    const { landed } = await receive((socket) => socket.end(Buffer.concat([whole, Buffer.from('more')])));
    expect(landed().equals(wanted)).toBe(true);
  });

  it('ends as soon as no more is wanted', async () => {
    let left = 100_000;
    const land = (bytes: Uint8Array) => {
      left -= bytes.length;
      return left > 0;
    };
    const { result } = await receive((socket) => socket.write(whole.subarray(0, 300_000)), { land });
    expect(result).toBe(true);
  });

  it.each([
    ['another status', head.replace('206 Partial Content', '200 OK')],
    ['a refusal', 'HTTP/1.1 503 Slow Down\r\nContent-Length: 0'],
    ['another range', head.replace(`${first}-`, `${first + 1}-`)],
    ['another object', head.replace(`/${object.length}`, '/1')],
    ['another length', head.replace(`: ${wanted.length}`, ': 1')],
    ['chunks', `${head}\r\nTransfer-Encoding: chunked`],
    ['a compressed body', `${head}\r\nContent-Encoding: gzip`],
    ['no HTTP', 'SSH-2.0-OpenSSH'],
    ['HTTP of another version', head.replace('1.1', '1.0')],
    ['a head without an end', `${head}\r\n${'x: y\r\n'.repeat(10_000)}`],
  ])('leaves %s to the usual way, with nothing landed', async (_, other) => {
    const { result, landed } = await receive((socket) => socket.end(`${other}\r\n\r\n${wanted.toString('latin1')}`));
    expect(result).toBe(false);
    expect(landed()).toHaveLength(0);
  });

  it('leaves it where nobody listens, nobody answers, or somebody hangs up', async () => {
    const server = await listening(createServer());
    const url = server.url('http');
    await server[Symbol.asyncDispose]();
    expect((await receiveFrom(url)).result).toBe(false);
    expect((await receive(() => {}, { silenceMs: 30 })).result).toBe(false);
    expect((await receive((socket) => socket.destroy())).result).toBe(false);
    expect((await receive((socket) => socket.end(head.slice(0, 50)))).result).toBe(false);
  });

  it('leaves a header that no header may be', async () => {
    const headers = async () => ({ host: 'models.example', 'x-amz-security-token': 'a\r\nx: b' });
    const { result, request } = await receive((socket) => socket.end(whole), { headers });
    expect([result, request()]).toEqual([false, '']);
  });

  it('says so when it breaks or falls silent within the bytes', async () => {
    const part = whole.subarray(0, 200_000);
    await expect(receive((socket) => socket.end(part))).rejects.toThrow('broken: the connection was closed');
    await expect(receive((socket) => socket.write(part), { silenceMs: 50 })).rejects.toThrow('nothing came for 50 ms');
  });

  it('ends with the reason of who left, and with what landing threw', async () => {
    const leaver = new AbortController();
    const leaving = receive((socket) => socket.write(whole.subarray(0, 1000)), { signal: leaver.signal });
    setImmediate(() => leaver.abort(new Error('left')));
    await expect(leaving).rejects.toThrow('left');
    await expect(receive(() => {}, { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
    const land = () => {
      throw new Error('the disk is full');
    };
    await expect(receive((socket) => socket.write(whole), { land })).rejects.toThrow(/^the disk is full$/);
  });
});

const servers = new Set<Server>();
afterAll(() => {
  for (const server of servers) server.close();
});

/** One request to a server that answers it so. */
async function receive(respond: (socket: Socket) => unknown, options: Partial<WantedRange> = {}) {
  let request = '';
  await using server = await listening(
    createServer((socket) => answering(respond, (text) => (request += text))(socket)),
  );
  return { ...(await receiveFrom(server.url('http'), options)), request: () => request };
}

async function receiveFrom(url: URL, options: Partial<WantedRange> = {}) {
  const landed: Uint8Array[] = [];
  let sent = 0;
  const result = await receiveRange({
    url,
    headers: async () => ({ host: 'models.example', range: `bytes=${first}-${last}` }),
    range: [first, last],
    size: object.length,
    signal: new AbortController().signal,
    silenceMs: 5000,
    onSent: () => sent++,
    // The buffer is used again: who keeps bytes copies them.
    land: (bytes) => landed.push(Uint8Array.from(bytes)) > 0,
    broken: (cause) => new Error(`broken: ${cause instanceof Error ? cause.message : cause}`),
    ...options,
  });
  return { result, landed: () => Buffer.concat(landed), sent: () => sent };
}

function answering(respond: (socket: Socket) => unknown, hear: (text: string) => void = () => {}) {
  return (socket: Socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      hear(bytes.toString('latin1'));
      if (text.endsWith('\r\n\r\n')) void respond(socket);
    });
  };
}

async function listening(server: Server) {
  servers.add(server);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: (protocol: string) =>
      new URL(`${protocol}://${protocol === 'https' ? 'localhost' : '127.0.0.1'}:${port}/models/weights`),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      servers.delete(server);
    },
  };
}
