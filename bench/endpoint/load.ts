// A client that costs little: the same request on many sockets at once, one after the other on each, in a thread of its own.
import { once } from 'node:events';
import { connect } from 'node:net';
import { parentPort, Worker } from 'node:worker_threads';

export interface Load {
  readonly port: number;
  /** The request, as it goes over the wire. */
  readonly request: string;
  readonly connections: number;
  readonly ms: number;
  /** Ends before, after so many. */
  readonly requests?: number;
}

export interface Loaded {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

/** The client's thread; `run` loads a server and gives what it saw. */
export function loadClient() {
  const worker = new Worker(new URL(import.meta.url));
  return {
    async run(load: Load): Promise<Loaded> {
      worker.postMessage(load);
      const [loaded] = await once(worker, 'message');
      return loaded;
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

parentPort?.on('message', (load: Load) => void measure(load));

async function measure(load: Load): Promise<void> {
  const times: number[] = [];
  const start = performance.now();
  await Promise.all(Array.from({ length: load.connections }, () => client(load, start + load.ms, times)));
  const seconds = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * times.length)] ?? Number.NaN;
  parentPort?.postMessage({
    perSecond: times.length / seconds,
    p50: at(0.5),
    p99: at(0.99),
    longest: times.at(-1) ?? 0,
  } satisfies Loaded);
}

async function client(
  { port, request, requests = Number.POSITIVE_INFINITY }: Load,
  until: number,
  times: number[],
): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const bytes = Buffer.from(request, 'latin1');
  let begun = 0;
  let head = '';
  /** Bytes of the answer's body that have not come. */
  let left = -1;
  const next = () => {
    begun = performance.now();
    if (begun >= until || times.length >= requests) return socket.end(resolve);
    socket.write(bytes);
  };
  socket.on('error', reject);
  socket.on('data', (chunk: Buffer) => {
    if (left < 0) {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!head.startsWith('HTTP/1.1 200')) return reject(new Error(`expected 200, got ${head.slice(0, 200)}`));
      left = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]) - (head.length - end - 4);
      head = '';
    } else left -= chunk.byteLength;
    if (left > 0) return;
    left = -1;
    times.push(performance.now() - begun);
    next();
  });
  next();
  await promise;
}
