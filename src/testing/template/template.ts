// What the local cloud runs of an app, read from its synthesised templates: there is no second description to drift.

import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { GlowplugError, shorten } from '../../core/errors.ts';
import type { AsyncSettings } from '../events/async-invoker.ts';
import type { ScheduleSpec } from '../events/schedules.ts';
import type { HttpApiSpec } from '../http-api.ts';
import type { LoadBalancerSpec } from '../load-balancer.ts';
import type { FunctionSpec, ManagedInstances } from '../runtime/function-spec.ts';
import type { EventSourceSpec, QueueSpec } from '../sqs/queue-spec.ts';
import { type Assembly, readAssembly } from './assembly.ts';
import { readAsyncSettings } from './async-settings.ts';
import { readEventSources, readQueues } from './event-sources.ts';
import { readUrl } from './function-url.ts';
import { readHttpApis } from './http-apis.ts';
import { type Deployment, Evaluator, type Stack } from './intrinsics.ts';
import { at, isObject, type Json, listAt, objectAt, referredBy, resourcesOf, stringAt } from './json.ts';
import { readLoadBalancers } from './load-balancers.ts';
import { physicalName } from './physical.ts';
import { readSchedules } from './schedules.ts';
import { readSecrets, type SecretSpec } from './secrets.ts';
import { unknownResources } from './unknown-resources.ts';
import { readVersions } from './versions.ts';

export interface CloudTemplate {
  readonly functions: readonly FunctionSpec[];
  readonly buckets: readonly { readonly name: string; readonly versioned: boolean }[];
  readonly queues: readonly QueueSpec[];
  readonly eventSources: readonly EventSourceSpec[];
  readonly schedules: readonly ScheduleSpec[];
  readonly httpApis: readonly HttpApiSpec[];
  readonly loadBalancers: readonly LoadBalancerSpec[];
  readonly secrets: readonly SecretSpec[];
  /** By function or `function:qualifier`, where they are not Lambda's defaults. */
  readonly asyncSettings: ReadonlyMap<string, AsyncSettings>;
  /** Folders and files that the templates name. */
  readonly assets: ReadonlySet<string>;
  /** Functions, event source mappings, schedules, routes and rules that this cloud cannot run, and why. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** Types of resources that this cloud does not know, and how many of each. */
  readonly unknown: readonly string[];
}

/** @param folder a cdk.out. Throws CONFIG_INVALID, naming the function that needs what cannot be known here. */
export async function readTemplate(
  folder: string,
  where: Pick<Deployment, 'region' | 'account' | 'endpoint'>,
): Promise<CloudTemplate> {
  const assembly = await readAssembly(folder);
  const deployment = { ...where, stacks: assembly.stacks };
  const functions: FunctionSpec[] = [];
  const skipped: { name: string; reason: string }[] = [];
  const buckets = assembly.stacks.flatMap((stack) => readBuckets(stack, deployment));
  for (const stack of assembly.stacks) {
    const ofDeployment = serviceTokens(stack);
    for (const [id, resource] of resourcesOf(stack.template, 'AWS::Lambda::Function')) {
      if (ofDeployment.has(id)) continue;
      const name = stringAt(resource, 'Metadata', 'glowplug:function') ?? id;
      const reason = reasonToSkip(resource);
      if (reason === undefined) functions.push(await readFunction(name, id, stack, assembly, deployment));
      else skipped.push({ name, reason });
    }
  }
  functions.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const [index, { name }] of functions.entries()) {
    if (functions[index + 1]?.name !== name) continue;
    throw new GlowplugError('CONFIG_INVALID', `the app has two functions that are called ${name}`, {
      remedy: 'Deploy each folder under functions/ once in the stage that runs locally.',
    });
  }
  const queues = assembly.stacks.flatMap((stack) => readQueues(stack, deployment));
  const eventSources: EventSourceSpec[] = [];
  for (const stack of assembly.stacks) {
    const read = readEventSources(stack, deployment, { functions, queues });
    eventSources.push(...read.sources);
    skipped.push(...read.skipped);
  }
  const read = assembly.stacks.map((stack) => readSchedules(stack, deployment));
  const schedules = read.flatMap((each) => each.schedules);
  skipped.push(...read.flatMap((each) => each.skipped));
  const apis = assembly.stacks.map((stack) => readHttpApis(stack, deployment, functions));
  const balancers = assembly.stacks.map((stack) => readLoadBalancers(stack, deployment, functions));
  skipped.push(...[...apis, ...balancers].flatMap((each) => each.skipped));
  const settings = assembly.stacks.flatMap((stack) => [...readAsyncSettings(stack, deployment, functions)]);
  return {
    functions,
    buckets,
    queues,
    eventSources,
    asyncSettings: new Map(settings),
    schedules,
    httpApis: apis.flatMap((each) => each.apis),
    loadBalancers: balancers.flatMap((each) => each.balancers),
    secrets: assembly.stacks.flatMap((stack) => readSecrets(stack, deployment)),
    skipped,
    unknown: unknownResources(assembly.stacks),
    assets: new Set(assembly.assets.values()),
  };
}

async function readFunction(
  name: string,
  id: string,
  stack: Stack,
  { assets }: Assembly,
  deployment: Deployment,
): Promise<FunctionSpec> {
  const evaluator = new Evaluator(deployment, stack);
  const properties = objectAt(stack.template, 'Resources', id, 'Properties');
  /** An unknown value is the function's own problem, so the message says whose. */
  const property = (...path: string[]): Json | undefined => {
    const value = at(properties, ...path);
    try {
      return value === undefined ? undefined : evaluator.evaluate(value);
    } catch (cause) {
      if (!(cause instanceof GlowplugError)) throw cause;
      const message = `function ${name} cannot be run here: its ${path.join('.')} needs what ${cause.message}`;
      throw new GlowplugError('CONFIG_INVALID', message, { cause, remedy: cause.remedy });
    }
  };
  const text = (...path: string[]): string | undefined => {
    const value = property(...path);
    if (value === undefined || typeof value === 'string') return value;
    throw new GlowplugError(
      'CONFIG_INVALID',
      `function ${name}: expected ${path.join('.')} to be text, got ${shorten(value)}`,
    );
  };
  const number = (...path: string[]): number | undefined => {
    const value = property(...path);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (Number.isInteger(number) && number >= 0) return number;
    throw new GlowplugError(
      'CONFIG_INVALID',
      `function ${name}: expected ${path.join('.')} to be a whole number, got ${shorten(value)}`,
    );
  };
  const asset = async (what: string, key: string | undefined): Promise<string> => {
    const path = key === undefined ? undefined : assets.get(key);
    if (path !== undefined && isAbsolute(path) && (await stat(path)).isDirectory()) return path;
    throw new GlowplugError(
      'CONFIG_INVALID',
      `function ${name}: expected its ${what} to be a folder that cdk synth staged, got ${shorten(path ?? key)}`,
      {
        remedy:
          'Let the construct take a folder (Code.fromAsset), not an archive, an inline text or an object of a bucket.',
      },
    );
  };
  const layers: string[] = [];
  for (const layer of listAt(properties, 'Layers')) {
    const layerId = stringAt(layer, 'Ref');
    const content = objectAt(stack.template, 'Resources', layerId ?? '', 'Properties', 'Content');
    layers.push(await asset(`layer ${layerId ?? shorten(layer)}`, stringAt(content, 'S3Key')));
  }
  const environment = property('Environment', 'Variables');
  const reserved = number('ReservedConcurrentExecutions');
  const level = text('LoggingConfig', 'ApplicationLogLevel');
  const systemLevel = text('LoggingConfig', 'SystemLogLevel');
  const url = readUrl(id, stack, evaluator);
  const memoryMb = number('MemorySize') ?? 128;
  const storageMb = number('EphemeralStorage', 'Size');
  const managed = readManaged(
    memoryMb,
    property('CapacityProviderConfig', 'LambdaManagedInstancesCapacityProviderConfig'),
  );
  return {
    name,
    functionName: physicalName(
      { id, type: 'AWS::Lambda::Function', property: (key) => property(key) },
      { ...deployment, stack: stack.name },
    ),
    handler: text('Handler') ?? '',
    runtime: text('Runtime') ?? '',
    codeFolder: await asset('code', text('Code', 'S3Key')),
    layers,
    memoryMb,
    ...(storageMb === undefined ? {} : { storageMb }),
    timeoutMs: (number('Timeout') ?? 3) * 1000,
    environment: Object.fromEntries(
      Object.entries(isObject(environment) ? environment : {}).map(([key, value]) => [key, `${value}`]),
    ),
    ...(reserved === undefined ? {} : { reservedConcurrency: reserved }),
    log: {
      format: text('LoggingConfig', 'LogFormat') === 'JSON' ? 'JSON' : 'Text',
      ...(level === undefined ? {} : { level }),
      ...(systemLevel === undefined ? {} : { systemLevel }),
    },
    ...(managed ? { managed } : {}),
    ...readVersions(id, stack, deployment),
    ...(url ? { url } : {}),
  };
}

/** Lambda's own defaults: 2 GiB of memory for each vCPU, 64 requests at once for each with Node. */
function readManaged(memoryMb: number, config: Json | undefined): ManagedInstances | undefined {
  if (!isObject(config)) return undefined;
  const number = (name: string, other: number) => Number(at(config, name) ?? other);
  const vcpus = Math.max(1, Math.floor(memoryMb / 1024 / number('ExecutionEnvironmentMemoryGiBPerVCpu', 2)));
  return { vcpus, maxConcurrency: number('PerExecutionEnvironmentMaxConcurrency', 64 * vcpus) };
}

function readBuckets(stack: Stack, deployment: Deployment): { name: string; versioned: boolean }[] {
  const evaluator = new Evaluator(deployment, stack);
  return resourcesOf(stack.template, 'AWS::S3::Bucket').map(([id, resource]) => {
    const property = (name: string) => evaluator.evaluate(at(resource, 'Properties', name) ?? { Ref: 'AWS::NoValue' });
    return {
      name: physicalName({ id, type: 'AWS::S3::Bucket', property }, { ...deployment, stack: stack.name }),
      versioned: stringAt(resource, 'Properties', 'VersioningConfiguration', 'Status') === 'Enabled',
    };
  });
}

/** Functions behind custom resources run while AWS deploys, and have nothing to do here. */
function serviceTokens(stack: Stack): Set<string> {
  return new Set(
    Object.values(objectAt(stack.template, 'Resources')).flatMap((resource) => {
      const id = referredBy(at(resource, 'Properties', 'ServiceToken'));
      return id === undefined ? [] : [id];
    }),
  );
}

function reasonToSkip(resource: Json): string | undefined {
  if (stringAt(resource, 'Metadata', 'glowplug:op')) return 'it serves deployments on AWS alone';
  if (stringAt(resource, 'Properties', 'PackageType') === 'Image') return 'it is a container image';
  const runtime = stringAt(resource, 'Properties', 'Runtime') ?? '';
  return runtime.startsWith('nodejs')
    ? undefined
    : `its runtime is ${runtime || 'not named'}, and only Node.js runs here`;
}
