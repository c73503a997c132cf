// What the server answers by itself: health, metrics, and what it is where it hosts several.
import type { IncomingMessage } from 'node:http';
import type { Metrics } from '../observe/metrics.ts';
import { live, ready, serverMetadata } from '../protocol/metadata.ts';

export type ServerState = 'starting' | 'ready' | 'refusing';

export interface Asked {
  readonly state: ServerState;
  readonly metrics: Metrics;
  readonly sagemaker: boolean;
  /** Whether there are several units, none of which speaks for all. */
  readonly several: boolean;
  readonly checkKey: (headers: IncomingMessage['headers']) => void;
}

/** Undefined: it is for a unit. Health is asked by load balancers, which have no keys. */
export function ownAnswer(message: IncomingMessage, asked: Asked): Response | undefined {
  if (message.method !== 'GET' && message.method !== 'HEAD') return undefined;
  const path = pathOf(message);
  if (path === '/v2/health/live') return Response.json(live);
  if (path === '/v2/health/ready' || (path === '/ping' && asked.sagemaker)) return readiness(asked.state);
  if (path === '/metrics') {
    asked.checkKey(message.headers);
    return new Response(asked.metrics.render(), {
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
    });
  }
  return asked.several && (path === '/v2' || path === '/v2/') ? Response.json(serverMetadata()) : undefined;
}

function readiness(state: ServerState): Response {
  if (state === 'ready') return Response.json(ready);
  const why = state === 'starting' ? 'the models are being loaded' : 'the server is shutting down';
  return Response.json({ error: why }, { status: 503, headers: { 'retry-after': '1' } });
}

export function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
