// As much of Step Functions as ChannelRollout's definition uses, run from the synthesised template: its states one after the other.
import type { Template } from 'aws-cdk-lib/assertions';
import { isRecord } from '../../src/core/is-record.ts';
import { text } from './policy.ts';

type Json = Readonly<Record<string, unknown>>;

export interface Ended {
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly error?: string;
  /** The states that it went through. */
  readonly passed: readonly string[];
}

export interface Hosts {
  /** What a state's resource answers: a Lambda function's ARN, or an integration such as `…:describeAlarms`. */
  task(resource: string, parameters: Json): Promise<unknown>;
  waited?(seconds: number): Promise<void>;
}

/** The one state machine of the template. */
export async function runStateMachine(template: Template, input: Json, hosts: Hosts): Promise<Ended> {
  const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
  const { StartAt, States } = JSON.parse(text(machine?.['Properties'].DefinitionString));
  const passed: string[] = [];
  let data: Json = input;
  for (let name = StartAt; ; ) {
    const state = States[name];
    passed.push(name);
    switch (state.Type) {
      case 'Succeed':
        return { status: 'SUCCEEDED', passed };
      case 'Fail':
        return { status: 'FAILED', error: state.Error, passed };
      case 'Pass':
        data = put(data, state.ResultPath, state.Result);
        break;
      case 'Wait':
        await hosts.waited?.(state.Seconds);
        break;
      case 'Task':
        try {
          const answer = await hosts.task(state.Resource, filled(state.Parameters, data));
          data = put(data, state.ResultPath, state.ResultSelector ? filled(state.ResultSelector, answer) : answer);
        } catch (error) {
          const [caught] = state.Catch ?? [];
          if (!caught) return { status: 'FAILED', error: String(error), passed };
          data = put(data, caught.ResultPath, { Error: String(error) });
          name = caught.Next;
          continue;
        }
        break;
      case 'Choice': {
        const choice = state.Choices.find((one: Json) => at(data, `${one['Variable']}`) === one['StringEquals']);
        name = choice?.Next ?? state.Default;
        continue;
      }
      default:
        throw new Error(`no ${state.Type} here`);
    }
    name = state.Next;
  }
}

/** Keys that end in `.$` are paths into the data. */
function filled(parameters: Json, data: unknown): Json {
  return Object.fromEntries(
    Object.entries(parameters).map(([key, value]) =>
      key.endsWith('.$') ? [key.slice(0, -2), at(data, `${value}`)] : [key, value],
    ),
  );
}

/** `$`, `$.a.b`, and a list's members by one field: `$.a[?(@.b=='c')].d`. */
function at(data: unknown, path: string): unknown {
  const [, list, field, equals, wanted] = /^\$\.(\w+)\[\?\(@\.(\w+)=='(\w+)'\)\]\.(\w+)$/.exec(path) ?? [];
  if (list === undefined)
    return path
      .split('.')
      .slice(1)
      .reduce((value: unknown, key) => Object(value)[key], data);
  const members: Json[] = Object(data)[list];
  return members.filter((one) => one[`${field}`] === equals).map((one) => one[`${wanted}`]);
}

/** Into one field, which is what ResultPath names here. */
function put(data: Json, path: string, value: unknown): Json {
  const [, key] = /^\$\.(\w+)$/.exec(path) ?? [];
  if (key === undefined || !isRecord(data)) throw new Error(`no ResultPath ${path} here`);
  return { ...data, [key]: value };
}
