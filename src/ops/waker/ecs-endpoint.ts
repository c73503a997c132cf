// An ECS service behind a load balancer, as the waker sees it: how many run, and who gets the requests.
import { isRecord } from '../../core/is-record.ts';
import type { AwsApi } from '../aws-api.ts';

export interface EndpointState {
  readonly desired: number;
  readonly running: number;
}

export interface Awake {
  look(): Promise<EndpointState>;
  /** One target; what more are needed, the queue time tells. */
  start(): Promise<void>;
  /** Repeated, it changes nothing. */
  route(rule: WakerRule, to: 'to waker' | 'to targets'): Promise<void>;
}

/** A rule of the listener that takes requests from the targets while none runs. */
export interface WakerRule {
  readonly arn: string;
  /** Takes those alone whose header has one of these values. */
  readonly header?: string;
  readonly values?: readonly string[];
}

export interface EcsEndpoint {
  readonly cluster: string;
  readonly service: string;
}

/** What the rule matches while targets serve: no client asks for it. */
export const nothing = '/.well-known/glowplug-asleep';

export function ecsEndpoint(api: AwsApi, { cluster, service }: EcsEndpoint): Awake {
  const ecs = (action: string, body: object) =>
    api({
      service: 'ecs',
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `AmazonEC2ContainerServiceV20141113.${action}`,
      },
      body,
    });
  return {
    async look() {
      const { json } = await ecs('DescribeServices', { cluster, services: [service] });
      const services = isRecord(json) ? json['services'] : undefined;
      const found: unknown = Array.isArray(services) ? services[0] : undefined;
      const count = (name: string) => (isRecord(found) ? Number(found[name] ?? 0) : 0);
      return { desired: count('desiredCount'), running: count('runningCount') };
    },
    async start() {
      await ecs('UpdateService', { cluster, service, desiredCount: 1 });
    },
    async route({ arn, header, values = [] }, to) {
      const conditions = {
        'member.1.Field': 'path-pattern',
        'member.1.PathPatternConfig.Values.member.1': to === 'to waker' ? '/*' : nothing,
        // All are replaced: what stays is said again.
        ...(header && {
          'member.2.Field': 'http-header',
          'member.2.HttpHeaderConfig.HttpHeaderName': header,
          ...Object.fromEntries(
            values.map((value, at) => [`member.2.HttpHeaderConfig.Values.member.${at + 1}`, value]),
          ),
        }),
      };
      const named = Object.entries(conditions).map(([name, value]) => [`Conditions.${name}`, value]);
      await api({
        service: 'elasticloadbalancing',
        method: 'POST',
        path: '/',
        body: new URLSearchParams({
          Action: 'ModifyRule',
          Version: '2015-12-01',
          RuleArn: arn,
          ...Object.fromEntries(named),
        }),
      });
    },
  };
}
