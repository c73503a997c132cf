// What becomes of a request that is over on Lambda: lines of the log, metrics in them, and spans: OpenTelemetry's where the process
// has a tracer provider, else a part of the invocation's X-Ray trace.
import type { Contract } from '../core/contract.ts';
import type { HttpRequest } from '../core/light-http.ts';
import type { Log } from '../core/log.ts';
import type { RequestRecord } from '../core/request-record.ts';
import { lambdaPrices } from './prices.ts';
import { requestLines } from './request-lines.ts';
import type { Asked, ColdStage } from './request-span.ts';
import { requestSpans } from './request-spans.ts';
import { sendSegment } from './send-segment.ts';
import { TimeShare } from './time-share.ts';

type Host = Pick<Contract, 'memoryMb' | 'workers' | 'xrayDaemon' | 'initialization'>;

/** An init is billed, up to what Lambda gives it; what waits warm for its first request is not. */
const initAtMostMs = 10_000;

export interface WatchOptions {
  readonly functionName: string;
  readonly log: Log;
  /** Of the environment's start so far; undefined when its first request is over. */
  readonly coldStages: () => readonly ColdStage[] | undefined;
  readonly arch?: string;
  /** Milliseconds since the process began. */
  readonly now?: () => number;
}

/** Call it when a request begins, and what it answers when that is over. */
export function watchRequests(
  { memoryMb, workers, xrayDaemon, initialization = 'on-demand' }: Host,
  { functionName, log, coldStages, arch = process.arch, now = () => performance.now() }: WatchOptions,
): (request: HttpRequest, asked: Asked) => Promise<(record: RequestRecord) => Promise<void>> {
  const time = new TimeShare(now);
  const gbSecond = lambdaPrices.gbSecond[arch === 'arm64' ? 'arm64' : 'x86_64'];
  let coldTold = false;
  return async (request, asked) => {
    const begun = now();
    const cold = coldStages() !== undefined;
    const end = time.begin();
    const span = (await requestSpans())?.openRequestSpan(request, asked, cold);
    return async (record) => {
      const ms = end() + (cold && initialization === 'on-demand' ? Math.min(begun, initAtMostMs) : 0);
      // Instances are paid for by the hour, whoever asks.
      const dollars =
        memoryMb === undefined || workers !== undefined
          ? undefined
          : lambdaPrices.request + (ms / 1000) * (memoryMb / 1024) * gbSecond;
      for (const { message, fields } of requestLines(record, { functionName, cold, dollars, came: asked.trace.came }))
        log.info(message, fields);
      if (span) {
        span.end(record, coldTold ? [] : coldStages());
        coldTold = true;
        return;
      }
      if (xrayDaemon === undefined || !record.trace.sampled) return;
      await sendSegment(record, { cold, xrayDaemon });
    };
  };
}
