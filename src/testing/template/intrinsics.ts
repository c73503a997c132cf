// CloudFormation's functions, as far as functions need them: values are evaluated when they are asked for, so that
// what is not understood disturbs only who needs it.
import { GlowplugError, shorten } from '../../core/errors.ts';
import { at, isObject, type Json, objectAt, stringAt } from './json.ts';
import { attribute, physicalName } from './physical.ts';

export interface Stack {
  readonly name: string;
  readonly template: Json;
}

/** All stacks of an app, and where they are said to be deployed. */
export interface Deployment {
  readonly stacks: readonly Stack[];
  readonly region: string;
  readonly account: string;
  /** Of SQS: a queue's Ref is its URL. */
  readonly endpoint?: string;
}

export class Evaluator {
  readonly #deployment: Deployment;
  readonly #stack: Stack;
  /** Exports that are being evaluated: an export that needs itself has no value. */
  readonly #path: readonly string[];

  constructor(deployment: Deployment, stack: Stack, path: readonly string[] = []) {
    this.#deployment = deployment;
    this.#stack = stack;
    this.#path = path;
  }

  /** The value with every intrinsic in it replaced; undefined for AWS::NoValue. Throws CONFIG_INVALID. */
  evaluate(value: Json): Json | undefined {
    if (Array.isArray(value)) return value.map((each) => this.evaluate(each)).filter((each) => each !== undefined);
    if (!isObject(value)) return value;
    const names = Object.keys(value);
    const name = names[0];
    if (
      names.length === 1 &&
      name !== undefined &&
      (name === 'Ref' || name === 'Condition' || name.startsWith('Fn::'))
    ) {
      return this.#intrinsic(name, value[name] ?? null);
    }
    const entries = names.map((key) => [key, this.evaluate(value[key] ?? null)] as const);
    return Object.fromEntries(entries.flatMap(([key, each]) => (each === undefined ? [] : [[key, each]])));
  }

  #intrinsic(name: string, argument: Json): Json | undefined {
    switch (name) {
      case 'Ref':
        return this.#ref(this.#text(argument, name));
      case 'Fn::GetAtt': {
        const [id, ...rest] = Array.isArray(argument) ? argument : this.#text(argument, name).split('.');
        return this.#attribute(this.#text(id, name), rest.map((part) => this.#text(part, name)).join('.'));
      }
      case 'Fn::Join': {
        const [separator, parts] = this.#list(argument, name);
        return this.#list(parts, name)
          .map((part) => this.#text(part, name))
          .join(this.#text(separator, name));
      }
      case 'Fn::Sub':
        return this.#substitute(argument);
      case 'Fn::Select': {
        const [index, list] = this.#list(argument, name);
        const found = this.#list(list, name)[Number(index)];
        if (found === undefined) throw this.#unknown(name, argument);
        return found;
      }
      case 'Fn::Split': {
        const [separator, text] = this.#list(argument, name);
        return this.#text(text, name).split(this.#text(separator, name));
      }
      case 'Fn::ImportValue':
        return this.#import(this.#text(argument, name));
      case 'Fn::If': {
        const [condition, then, otherwise] = Array.isArray(argument) ? argument : [];
        return this.evaluate((this.#condition(this.#text(condition, name)) ? then : otherwise) ?? null);
      }
      case 'Fn::Equals': {
        const [left, right] = this.#list(argument, name);
        return JSON.stringify(left) === JSON.stringify(right);
      }
      case 'Condition':
        return this.#condition(this.#text(argument, name));
      case 'Fn::Not':
        return this.#list(argument, name)[0] !== true;
      case 'Fn::And':
        return this.#list(argument, name).every((each) => each === true);
      case 'Fn::Or':
        return this.#list(argument, name).some((each) => each === true);
      default:
        throw this.#unknown(name, argument);
    }
  }

  #ref(name: string): Json | undefined {
    if (name === 'AWS::NoValue') return undefined;
    const { region, account } = this.#deployment;
    const pseudo: Record<string, Json> = {
      'AWS::Region': region,
      'AWS::AccountId': account,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': this.#stack.name,
      'AWS::StackId': `arn:aws:cloudformation:${region}:${account}:stack/${this.#stack.name}/local`,
      'AWS::NotificationARNs': [],
    };
    if (Object.hasOwn(pseudo, name)) return pseudo[name];
    const parameter = at(this.#stack.template, 'Parameters', name);
    if (parameter !== undefined) {
      const value = at(parameter, 'Default');
      if (value === undefined) throw this.#problem(`parameter ${name} has no default`);
      return value;
    }
    return physicalName(this.#resource(name), this.#place());
  }

  #attribute(id: string, name: string): string {
    const value = attribute(this.#resource(id), name, this.#place());
    if (value === undefined) throw this.#problem(`${name} of ${id} is not known before it is deployed`);
    return value;
  }

  #substitute(argument: Json): string {
    const [text, values] = Array.isArray(argument) ? argument : [argument, {}];
    return this.#text(text, 'Fn::Sub').replace(/\$\{(!?)([^}]*)\}/g, (whole, literal: string, name: string) => {
      if (literal) return whole.replace('!', '');
      const given = isObject(values) && Object.hasOwn(values, name) ? values[name] : undefined;
      if (given !== undefined) return this.#text(given, 'Fn::Sub');
      return this.#text(name.includes('.') ? { 'Fn::GetAtt': name } : { Ref: name }, 'Fn::Sub');
    });
  }

  #import(name: string): Json | undefined {
    if (this.#path.includes(name)) throw this.#problem(`export ${name} needs itself`);
    for (const stack of this.#deployment.stacks) {
      const evaluator = new Evaluator(this.#deployment, stack, [...this.#path, name]);
      for (const output of Object.values(objectAt(stack.template, 'Outputs'))) {
        const exported = at(output, 'Export', 'Name');
        if (exported !== undefined && evaluator.evaluate(exported) === name) {
          return evaluator.evaluate(at(output, 'Value') ?? null);
        }
      }
    }
    throw this.#problem(`no stack of the app exports ${name}`);
  }

  #condition(name: string): boolean {
    const condition = at(this.#stack.template, 'Conditions', name);
    if (condition === undefined) throw this.#problem(`there is no condition ${name}`);
    return this.evaluate(condition) === true;
  }

  #resource(id: string) {
    const resource = at(this.#stack.template, 'Resources', id);
    if (!isObject(resource)) throw this.#problem(`there is no resource ${id}`);
    const type = stringAt(resource, 'Type') ?? '';
    return {
      id,
      type,
      property: (name: string) => this.evaluate(at(resource, 'Properties', name) ?? { Ref: 'AWS::NoValue' }),
    };
  }

  #place() {
    return { ...this.#deployment, stack: this.#stack.name };
  }

  #list(value: Json | undefined, name: string): readonly Json[] {
    const list = this.evaluate(value ?? null);
    if (Array.isArray(list)) return list;
    throw this.#problem(`${name} expects a list, got ${shorten(list)}`);
  }

  #text(value: Json | undefined, name: string): string {
    const text = this.evaluate(value ?? null);
    if (typeof text === 'string' || typeof text === 'number' || typeof text === 'boolean') return `${text}`;
    throw this.#problem(`${name} expects a string, got ${shorten(text)}`);
  }

  #unknown(name: string, argument: Json): GlowplugError {
    return this.#problem(`${name} ${shorten(argument)} cannot be evaluated here`);
  }

  #problem(message: string): GlowplugError {
    return new GlowplugError('CONFIG_INVALID', `stack ${this.#stack.name}: ${message}`, {
      remedy: 'Give the local cloud a value it can know without AWS, or leave the resource out of the stage it runs.',
    });
  }
}
