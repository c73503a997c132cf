// The load balancers of a template that have functions behind them, with the rules that are known here.
import type { LoadBalancerSpec } from '../load-balancer.ts';
import type { AlbRule } from '../load-balancer-rule.ts';
import type { Deployment, Stack } from './intrinsics.ts';
import { at, type Json, stringAt } from './json.ts';
import { functionIn, type Named, type ReadResource, readResources, type Skipped } from './read-resources.ts';

export interface ReadLoadBalancers {
  readonly balancers: readonly LoadBalancerSpec[];
  readonly skipped: readonly Skipped[];
}

/** Of what is left out is said why. */
export function readLoadBalancers(
  stack: Stack,
  deployment: Deployment,
  functions: readonly Named[],
): ReadLoadBalancers {
  const skipped: Skipped[] = [];
  const of = (type: string) => readResources(stack, deployment, `AWS::ElasticLoadBalancingV2::${type}`);
  const [listeners, rules, groups] = [of('Listener'), of('ListenerRule'), of('TargetGroup')];
  const balancers = of('LoadBalancer').flatMap((balancer): LoadBalancerSpec[] => {
    const specs = listeners
      .filter(({ value }) => value('LoadBalancerArn') === balancer.name)
      .map((listener) => {
        const own = [listener, ...rules.filter(({ value }) => value('ListenerArn') === listener.name)];
        return { listener, read: own.map((rule) => ({ name: rule.id, ...readRule(rule, groups, functions) })) };
      });
    const chosen = specs.find(({ read }) => read.some(({ rule }) => rule?.action.kind === 'function'));
    if (!chosen) {
      skipped.push({ name: balancer.id, reason: 'none of its rules leads to a function that runs here' });
      return [];
    }
    const { value } = chosen.listener;
    const https = value('Protocol') === 'HTTPS';
    return [
      {
        id: balancer.id,
        listener: { protocol: https ? 'https' : 'http', port: Number(value('Port') ?? (https ? 443 : 80)) },
        rules: chosen.read.flatMap(({ name, reason, rule }) => {
          if (reason !== undefined) skipped.push({ name, reason });
          return rule ?? [];
        }),
      },
    ];
  });
  return { balancers, skipped };
}

/**
 * What a rule does here, and why that is not what it does on AWS. Where it would lead elsewhere it answers 503, as with no
 * target: a request must not meet the next rule instead. A listener is the rule that is met last.
 */
function readRule(
  { value }: ReadResource,
  groups: readonly ReadResource[],
  functions: readonly Named[],
): { readonly rule?: AlbRule; readonly reason?: string } {
  const conditions = listOf(value('Conditions')).map(readCondition);
  const unknown = conditions.find((each) => typeof each === 'string');
  if (unknown !== undefined) return { reason: `its condition ${unknown} is not known here` };
  const read = readAction(value, groups, functions);
  const reason = typeof read === 'string' ? read : undefined;
  return {
    rule: {
      priority: Number(value('Priority') ?? Number.POSITIVE_INFINITY),
      conditions: conditions.filter((each) => typeof each === 'object'),
      action: typeof read === 'string' ? { kind: 'fixed', status: 503, contentType: 'text/plain', body: read } : read,
    },
    ...(reason === undefined ? {} : { reason }),
  };
}

function readAction(
  value: ReadResource['value'],
  groups: readonly ReadResource[],
  functions: readonly Named[],
): AlbRule['action'] | string {
  if (listOf(value('Transforms')).length > 0) return 'it rewrites requests, which is not known here';
  // What comes before the last asks the client who it is.
  const [action, ...others] = listOf(value('Actions') ?? value('DefaultActions'));
  if (others.length > 0) return 'it has several actions, and only one is known here';
  const type = stringAt(action, 'Type');
  if (type === 'fixed-response') {
    const text = (name: string) => stringAt(action, 'FixedResponseConfig', name);
    const [status, contentType = 'text/plain', body = ''] = [
      text('StatusCode'),
      text('ContentType'),
      text('MessageBody'),
    ];
    return { kind: 'fixed', status: Number(status), contentType, body };
  }
  if (type !== 'forward') return `its action is ${type}, which is not known here`;
  const several = listOf(at(action, 'ForwardConfig', 'TargetGroups'));
  if (several.length > 1) return 'it has several target groups, and only one is known here';
  const targetGroupArn = stringAt(action, 'TargetGroupArn') ?? stringAt(several[0], 'TargetGroupArn');
  const group = groups.find(({ name }) => targetGroupArn !== undefined && name === targetGroupArn);
  const [target] = listOf(group?.value('Targets'));
  const found = functionIn(stringAt(target, 'Id'), functions);
  if (!found || targetGroupArn === undefined) return 'it leads to no function that runs here';
  const lists = listOf(group?.value('TargetGroupAttributes')).some(
    (each) => stringAt(each, 'Key') === 'lambda.multi_value_headers.enabled' && `${at(each, 'Value')}` === 'true',
  );
  return { kind: 'function', ...found, targetGroupArn, lists };
}

const fields = {
  'path-pattern': ['path', 'PathPatternConfig'],
  'http-request-method': ['method', 'HttpRequestMethodConfig'],
  'host-header': ['host', 'HostHeaderConfig'],
} as const;

/** The condition, or the field that is not known. */
function readCondition(condition: Json): AlbRule['conditions'][number] | string {
  const field = `${at(condition, 'Field')}`;
  const [of, config] = Object.entries(fields).find(([name]) => name === field)?.[1] ?? [];
  const values = listOf((config && at(condition, config, 'Values')) ?? at(condition, 'Values')).map(String);
  return of === undefined || values.length === 0 ? field : { of, values };
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
