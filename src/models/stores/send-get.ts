// One GET over node:http(s): 3 to 7 ms to load, where Node's fetch takes 20 before it has sent anything.
import type { Agent, IncomingMessage } from 'node:http';

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Rejects when the connection breaks before all of it came. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Leaves the rest of the body. */
  destroy(): void;
}

export interface SendOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Called when the request is with the network: from then on the caller may block for a while. */
  onSent?(): void;
}

export type SendGet = (url: URL, options: SendOptions) => Promise<HttpAnswer>;

/** Resolves with the answer's head. Rejects when the connection fails, and with the signal's reason. */
export const sendGet: SendGet = async (url, { headers, signal, onSent }) => {
  const secure = url.protocol === 'https:';
  const { Agent: AgentClass, request } = secure ? await import('node:https') : await import('node:http');
  const agent = agents.get(url.protocol) ?? new AgentClass({ keepAlive: true, timeout: idleMs });
  agents.set(url.protocol, agent);
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  signal.throwIfAborted();
  const sent = request(url, { headers, agent, signal }, (message) => resolve(toAnswer(message)));
  // Every one, not the first alone: a connection may fail again after it was given up.
  sent.on('error', (error) => reject(signal.aborted ? signal.reason : error));
  if (onSent) sent.once('finish', onSent);
  sent.end();
  return await promise;
};

/** Of this environment. A range that another one ended early is asked for again over the same connection. */
const agents = new Map<string, Agent>();
/** S3 closes idle connections after some seconds, and a frozen environment's are dead when it thaws. */
const idleMs = 4000;

/** Of a restored snapshot none lives any more: the next request makes its own. */
export function closeConnections(): void {
  for (const agent of agents.values()) agent.destroy();
  agents.clear();
}

function toAnswer(message: IncomingMessage): HttpAnswer {
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    body: message,
    destroy: () => void message.destroy(),
  };
}
