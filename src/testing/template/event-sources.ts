// The queues of a template, and which of its functions they feed. What AWS refuses to deploy is refused here.
import { GlowplugError } from '../../core/errors.ts';
import { type FunctionSpec, functionArn } from '../runtime/function-spec.ts';
import type { EventSourceSpec, QueueSpec } from '../sqs/queue-spec.ts';
import { type Deployment, Evaluator, type Stack } from './intrinsics.ts';
import { at, isObject, type Json, objectAt, resourcesOf } from './json.ts';
import { attribute, physicalName } from './physical.ts';

/** Properties that SQS's CreateQueue takes as they are. */
const queueAttributes = [
  'VisibilityTimeout',
  'MessageRetentionPeriod',
  'DelaySeconds',
  'MaximumMessageSize',
  'ReceiveMessageWaitTimeSeconds',
  'FifoQueue',
  'ContentBasedDeduplication',
  'RedrivePolicy',
] as const;

/** Queues that others name as their dead-letter queue come first. */
export function readQueues(stack: Stack, deployment: Deployment): QueueSpec[] {
  const queues = resourcesOf(stack.template, 'AWS::SQS::Queue').map(([id, resource]): QueueSpec => {
    const evaluator = new Evaluator(deployment, stack);
    const property = (name: string) => evaluator.evaluate(at(resource, 'Properties', name) ?? { Ref: 'AWS::NoValue' });
    const queue = { id, type: 'AWS::SQS::Queue', property };
    const place = { ...deployment, stack: stack.name };
    const attributes = queueAttributes.flatMap((name) => {
      const value = property(name);
      return value === undefined ? [] : [[name, isObject(value) ? JSON.stringify(value) : `${value}`]];
    });
    return {
      id,
      name: attribute(queue, 'QueueName', place) ?? id,
      url: physicalName(queue, place),
      arn: attribute(queue, 'Arn', place) ?? id,
      attributes: Object.fromEntries(attributes),
    };
  });
  const redrives = ({ attributes }: QueueSpec) => (attributes['RedrivePolicy'] === undefined ? 0 : 1);
  return queues.sort((a, b) => redrives(a) - redrives(b));
}

/** Mappings from queues; of the others is said why they are left out. */
export function readEventSources(
  stack: Stack,
  deployment: Deployment,
  { functions, queues }: { readonly functions: readonly FunctionSpec[]; readonly queues: readonly QueueSpec[] },
): { readonly sources: EventSourceSpec[]; readonly skipped: { readonly name: string; readonly reason: string }[] } {
  const sources: EventSourceSpec[] = [];
  const skipped: { name: string; reason: string }[] = [];
  for (const [id, resource] of resourcesOf(stack.template, 'AWS::Lambda::EventSourceMapping')) {
    const evaluator = new Evaluator(deployment, stack);
    const properties = evaluator.evaluate(objectAt(resource, 'Properties'));
    const value = (...path: string[]): Json | undefined => at(properties, ...path);
    const queue = queues.find(({ arn }) => arn === value('EventSourceArn'));
    const [name, qualifier] = nameAndQualifier(value('FunctionName'));
    const target = functions.find((each) => [each.functionName, functionArn(each, deployment)].includes(name));
    const reason = reasonToSkip(value, queue, target);
    if (reason !== undefined) skipped.push({ name: id, reason });
    if (reason !== undefined || !queue || !target) continue;
    const types = value('FunctionResponseTypes');
    const maximum = value('ScalingConfig', 'MaximumConcurrency');
    const source = {
      id,
      functionName: target.name,
      ...(qualifier === undefined ? {} : { qualifier }),
      queueArn: queue.arn,
      batchSize: Number(value('BatchSize') ?? 10),
      windowMs: Number(value('MaximumBatchingWindowInSeconds') ?? 0) * 1000,
      reportsFailures: Array.isArray(types) && types.includes('ReportBatchItemFailures'),
      ...(maximum === undefined ? {} : { maximumConcurrency: Number(maximum) }),
    };
    check(source, queue, target);
    sources.push(source);
  }
  return { sources, skipped };
}

/** A name or an ARN, each with or without the version or alias that is meant: an ARN has seven parts without one. */
function nameAndQualifier(given: Json | undefined): [name: string, qualifier?: string] {
  const parts = `${given}`.split(':');
  const own = parts[0] === 'arn' ? 7 : 1;
  return [parts.slice(0, own).join(':'), ...parts.slice(own, own + 1)] as [string, string?];
}

function reasonToSkip(
  value: (name: string) => Json | undefined,
  queue: QueueSpec | undefined,
  target: FunctionSpec | undefined,
): string | undefined {
  if (!queue) return 'its event source is no queue of the app';
  if (!target) return 'its function does not run here';
  if (value('FilterCriteria') !== undefined) return 'it filters messages, which is not known here';
  return value('Enabled') === false ? 'it is disabled' : undefined;
}

/** @throws GlowplugError CONFIG_INVALID */
function check(source: EventSourceSpec, queue: QueueSpec, target: FunctionSpec): void {
  const fifo = queue.attributes['FifoQueue'] === 'true';
  const refuse = (expected: string) => {
    throw new GlowplugError('CONFIG_INVALID', `event source mapping ${source.id}: expected ${expected}`, {
      remedy: 'AWS refuses to deploy it as it is: mend the mapping or the queue.',
    });
  };
  const { batchSize, windowMs, maximumConcurrency = 2, qualifier = '$LATEST' } = source;
  const { versions = [], aliases = [] } = target;
  const known = ['$LATEST', ...versions, ...aliases.map(({ name }) => name)];
  if (!known.includes(qualifier)) refuse(`one of ${known.join(', ')} of function ${target.name}, got ${qualifier}`);
  const most = fifo ? 10 : 10_000;
  const whole = (number: number, from: number, to: number) =>
    Number.isInteger(number) && number >= from && number <= to;
  if (!whole(batchSize, 1, most)) refuse(`BatchSize to be 1 to ${most}, got ${batchSize}`);
  if (!whole(windowMs / 1000, 0, 300)) refuse(`MaximumBatchingWindowInSeconds to be 0 to 300, got ${windowMs / 1000}`);
  if (fifo && windowMs > 0) refuse('no MaximumBatchingWindowInSeconds with a FIFO queue');
  if (batchSize > 10 && windowMs === 0) refuse('MaximumBatchingWindowInSeconds of at least 1 with a BatchSize over 10');
  if (!whole(maximumConcurrency, 2, 1000)) refuse(`MaximumConcurrency to be 2 to 1000, got ${maximumConcurrency}`);
  const visibilityMs = Number(queue.attributes['VisibilityTimeout'] ?? 30) * 1000;
  if (visibilityMs < target.timeoutMs) {
    refuse(
      `the queue's VisibilityTimeout, ${visibilityMs / 1000} s, to be at least the function's Timeout, ${target.timeoutMs / 1000} s`,
    );
  }
}
