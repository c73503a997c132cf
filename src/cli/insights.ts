// The lines of one request in CloudWatch Logs, by a query of Logs Insights.
import type { Clock } from '../core/clock.ts';
import { GlowplugError, shorten } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { AwsApi } from '../ops/aws-api.ts';
import type { LoggedLine } from '../testing/log-files.ts';

export interface InsightsOptions {
  readonly api: AwsApi;
  readonly clock: Clock;
  /** As it is called on AWS. */
  readonly functionName: string;
  /** Milliseconds back from `now`. */
  readonly sinceMs: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** How long a query may take, and how often it is looked at. */
const [limitMs, everyMs] = [60_000, 1_000];
/** More than a request writes. */
const mostLines = 1_000;

/** @throws GlowplugError CONFIG_INVALID for an id that is none, DEADLINE, and what AWS answers */
export async function insightsLines(requestId: string, options: InsightsOptions): Promise<LoggedLine[]> {
  const { api, clock, functionName, sinceMs, now } = options;
  // It becomes part of a query.
  if (!/^[\w-]{8,128}$/.test(requestId)) {
    throw new GlowplugError('CONFIG_INVALID', `expected a request's id, got ${shorten(requestId)}`, {
      remedy: 'Take it from the answer: requestId of an error’s body, or the header x-request-id.',
    });
  }
  const { json: configuration } = await api({
    service: 'lambda',
    method: 'GET',
    path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/configuration`,
  });
  const logging = isRecord(configuration) ? configuration['LoggingConfig'] : undefined;
  const logGroupName = (isRecord(logging) && logging['LogGroup']) || `/aws/lambda/${functionName}`;
  const { json: started } = await logs(api, 'StartQuery', {
    logGroupName,
    startTime: Math.floor((now - sinceMs) / 1000),
    endTime: Math.ceil(now / 1000),
    queryString: `fields @message | filter @message like "${requestId}" | sort @timestamp asc | limit ${mostLines}`,
  });
  const queryId = isRecord(started) ? started['queryId'] : undefined;
  for (let waited = 0; waited < limitMs; waited += everyMs) {
    const { json: found } = await logs(api, 'GetQueryResults', { queryId });
    const status = isRecord(found) ? found['status'] : undefined;
    if (status === 'Complete' && isRecord(found) && Array.isArray(found['results'])) {
      return found['results'].flatMap((row: unknown) =>
        messageOf(row).map((line) => ({ function: functionName, line })),
      );
    }
    if (status !== 'Scheduled' && status !== 'Running') {
      throw new GlowplugError('INTERNAL', `expected the query of Logs Insights to complete, it is ${shorten(status)}`);
    }
    await clock.sleep(everyMs);
  }
  throw new GlowplugError('DEADLINE', `expected an answer of Logs Insights within ${limitMs / 1000} s`, {
    remedy: 'Look at a shorter time: --since 1h.',
  });
}

async function logs(api: AwsApi, action: string, body: object) {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `Logs_20140328.${action}` };
  return await api({ service: 'logs', method: 'POST', path: '/', headers, body });
}

function messageOf(row: unknown): string[] {
  const field = Array.isArray(row) ? row.find((each) => isRecord(each) && each['field'] === '@message') : undefined;
  return isRecord(field) && typeof field['value'] === 'string' ? [field['value'].trimEnd()] : [];
}
