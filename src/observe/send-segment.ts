// A request as a subsegment of Lambda's own segment, sent to the X-Ray daemon that Lambda runs beside the function.
// Source: AWS X-Ray Developer Guide, "Segment documents" and "Sending segment documents to the X-Ray daemon".

import { randomBytes } from 'node:crypto';
import type { RequestRecord } from '../core/request-record.ts';
import { xrayTraceId } from '../core/trace-context.ts';

export interface Segment {
  readonly name: string;
  readonly id: string;
  readonly start_time: number;
  readonly end_time: number;
  readonly annotations?: Readonly<Record<string, string | number | boolean>>;
  readonly error?: boolean;
  readonly fault?: boolean;
  readonly throttle?: boolean;
  readonly subsegments?: readonly Segment[];
}

/** Stages, and runs inside `predict`, which are the models'. */
function segmentOf(record: RequestRecord, cold: boolean): Segment & Readonly<Record<string, unknown>> {
  const { trace, startedAt, ms, status, code, stages, runs } = record;
  const at = (sinceMs: number) => (startedAt + sinceMs) / 1000;
  const times = ({ from, to }: { from: number; to: number }) => ({
    id: newId(),
    start_time: at(from),
    end_time: at(to),
  });
  return {
    type: 'subsegment',
    name: 'inference',
    id: trace.spanId,
    trace_id: xrayTraceId(trace),
    ...(trace.parentId === undefined ? {} : { parent_id: trace.parentId }),
    start_time: at(0),
    end_time: at(ms),
    annotations: { cold, status, requestId: record.requestId, ...(code === undefined ? {} : { code }) },
    ...(status >= 500 ? { fault: true } : status >= 400 ? { error: true, throttle: status === 429 } : {}),
    subsegments: [
      ...stages.map((stage) => ({ name: stage.stage, ...times(stage) })),
      ...runs.map((run) => ({
        name: run.model,
        ...times(run),
        annotations: { version: run.version, rows: run.rows, requests: run.requests, queueMs: run.queueMs },
      })),
    ],
  };
}

/** Resolves when it is on its way; a trace that is lost is no fault of the request. `xrayDaemon`: host:port. */
export async function sendSegment(
  record: RequestRecord,
  { cold, xrayDaemon }: { readonly cold: boolean; readonly xrayDaemon: string },
): Promise<void> {
  const [, host, port] = /^(.+):(\d+)$/.exec(xrayDaemon) ?? [];
  if (host === undefined || port === undefined) return;
  const { createSocket } = await import('node:dgram');
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((done) => {
    socket.once('error', () => done());
    const text = `{"format":"json","version":1}\n${JSON.stringify(segmentOf(record, cold))}`;
    socket.send(text, Number(port), host, () => done());
  });
  socket.close();
}

function newId(): string {
  return randomBytes(8).toString('hex');
}
