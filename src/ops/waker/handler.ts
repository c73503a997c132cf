// Wakes an endpoint that scaled to zero. While nobody serves, the load balancer sends every request here; when a target runs,
// ECS's event lets it send them there.
import { readContract } from '../../core/contract.ts';
import { isRecord } from '../../core/is-record.ts';
import { consoleLog } from '../../core/log.ts';
import { awsApi } from '../aws-api.ts';
import { type Awake, type EndpointState, ecsEndpoint, type WakerRule } from './ecs-endpoint.ts';

export interface WakerAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: false;
}

export async function handler(event: unknown): Promise<WakerAnswer | undefined> {
  const contract = readContract();
  const { cluster, service } = JSON.parse(contract.wakes ?? '{}');
  return await answerWaker(event, ecsEndpoint(awsApi(contract), { cluster, service }));
}

/**
 * The event of a target group is a request. EventBridge's names the rules to move: a task of the service began or ended, or five
 * minutes went by, in which such an event may have been lost.
 */
export async function answerWaker(event: unknown, endpoint: Awake): Promise<WakerAnswer | undefined> {
  const state = await endpoint.look();
  if (isMoved(event)) {
    const to = state.running > 0 ? 'to targets' : 'to waker';
    await Promise.all(event.rules.map((rule) => endpoint.route(rule, to)));
    return undefined;
  }
  // A health check or a scanner costs a start, too: who may ask is the listener's matter.
  if (state.desired === 0) {
    consoleLog.info('waking the endpoint');
    await endpoint.start();
  }
  return asleep(state);
}

/** As the construct has written it. */
function isMoved(event: unknown): event is { readonly rules: readonly WakerRule[] } {
  return isRecord(event) && Array.isArray(event['rules']);
}

function asleep({ running }: EndpointState): WakerAnswer {
  const seconds = running > 0 ? 1 : secondsToStart;
  return {
    statusCode: 503,
    headers: { 'content-type': 'application/json', 'retry-after': `${seconds}` },
    body: JSON.stringify({
      error: 'The endpoint had nothing to do and is starting.',
      code: 'SERVER_BUSY',
      remedy: 'Try again after the seconds that Retry-After names.',
    }),
    isBase64Encoded: false,
  };
}

/** An instance, the image and the models: minutes; asking twice a minute costs nothing. */
const secondsToStart = 30;
