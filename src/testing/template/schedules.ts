// The schedules of a template: rules of EventBridge, and EventBridge Scheduler's own.
import { GlowplugError } from '../../core/errors.ts';
import { parseSchedule } from '../events/schedule-expression.ts';
import type { ScheduleSpec } from '../events/schedules.ts';
import { type Deployment, Evaluator, type Stack } from './intrinsics.ts';
import { at, type Json, objectAt, resourcesOf, stringAt } from './json.ts';

export interface ReadSchedules {
  readonly schedules: readonly ScheduleSpec[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** Those that this cloud does not know are named with the reason, as are rules that wait for events. */
export function readSchedules(stack: Stack, deployment: Deployment): ReadSchedules {
  const evaluator = new Evaluator(deployment, stack);
  const { region, account } = deployment;
  const schedules: ScheduleSpec[] = [];
  const skipped: { name: string; reason: string }[] = [];
  const add = (
    id: string,
    properties: Json | undefined,
    spec: Omit<ScheduleSpec, 'id' | 'expression' | 'target'>,
    target: Json,
  ) => {
    const expression = stringAt(properties, 'ScheduleExpression');
    const reason = reasonToSkip(properties, target, expression);
    if (reason !== undefined) return void skipped.push({ name: id, reason });
    const input = stringAt(target, 'Input');
    schedules.push({
      ...spec,
      id,
      expression: expression ?? '',
      target: stringAt(target, 'Arn') ?? '',
      ...(input === undefined ? {} : { input }),
    });
  };
  for (const [id, resource] of resourcesOf(stack.template, 'AWS::Events::Rule')) {
    const properties = evaluator.evaluate(objectAt(resource, 'Properties'));
    const arn = `arn:aws:events:${region}:${account}:rule/${stringAt(properties, 'Name') ?? `${stack.name}-${id}`}`;
    const targets = at(properties, 'Targets');
    for (const [index, target] of (Array.isArray(targets) ? targets : []).entries()) {
      add(index === 0 ? id : `${id}.${index}`, properties, { arn, source: 'aws.events' }, target);
    }
  }
  for (const [id, resource] of resourcesOf(stack.template, 'AWS::Scheduler::Schedule')) {
    const properties = evaluator.evaluate(objectAt(resource, 'Properties'));
    const name = stringAt(properties, 'Name') ?? `${stack.name}-${id}`;
    const arn = `arn:aws:scheduler:${region}:${account}:schedule/default/${name}`;
    add(id, properties, { arn, source: 'aws.scheduler' }, objectAt(properties, 'Target'));
  }
  return { schedules, skipped };
}

function reasonToSkip(properties: Json | undefined, target: Json, expression: string | undefined): string | undefined {
  if (stringAt(properties, 'State') === 'DISABLED') return 'it is disabled';
  if (expression === undefined) return 'it waits for events, and only schedules come here';
  const zone = stringAt(properties, 'ScheduleExpressionTimezone') ?? 'UTC';
  if (!/^(Etc\/)?UTC$/.test(zone)) return `its time zone is ${zone}, and only UTC is known here`;
  const unknown = ['InputPath', 'InputTransformer'].find((name) => at(target, name) !== undefined);
  if (unknown !== undefined) return `${unknown} is not known here`;
  try {
    parseSchedule(expression);
    return undefined;
  } catch (error) {
    if (error instanceof GlowplugError) return error.message;
    throw error;
  }
}
