// What a function costs a month, on each host that it could run on.
import { GlowplugError, shorten } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { Prices } from './prices.ts';

export interface FunctionSize {
  readonly name: string;
  readonly architecture: 'x86_64' | 'arm64';
  readonly memoryMb: number;
}

/** What comes in, and how long it takes; times as REPORT lines of the log have them. */
export interface Traffic {
  readonly requestsPerMonth: number;
  /** Milliseconds of one warm request. */
  readonly ms: number;
  /** Milliseconds of an environment's init and of the first request's extra. @default 1,000 */
  readonly coldMs: number;
  /** Part of the requests that meet a cold start. @default 0.01 */
  readonly coldShare: number;
  /** Requests in the busiest second. @default ten times the average */
  readonly peakPerSecond: number;
  /** Milliseconds of one request on a GPU. @default as long as on Lambda */
  readonly gpuMs: number;
}

export interface HostCost {
  readonly host: 'lambda' | 'provisioned' | 'managed' | 'ecs-gpu' | 'lambda-gpu' | 'sagemaker';
  /** US dollars a month. */
  readonly dollars: number;
  /** Of a month in which nobody asks, where it can do without a target then. */
  readonly idle?: number;
  /** What the figure rests on. */
  readonly basis: string;
}

const hoursPerMonth = 730;
const secondsPerMonth = hoursPerMonth * 3600;
/** A server at more than this answers its queue, not its callers. */
const busyAtMost = 0.7;

/** The cheapest first. @param size undefined: of an endpoint alone, whose memory on Lambda nobody has chosen */
export function estimateCosts(size: FunctionSize | undefined, traffic: Traffic, prices: Prices): HostCost[] {
  const costs = [...(size ? lambdaCosts(size, traffic, prices) : []), ...gpuCosts(traffic, prices)];
  return costs.sort((a, b) => a.dollars - b.dollars);
}

function lambdaCosts({ architecture, memoryMb }: FunctionSize, traffic: Traffic, prices: Prices): HostCost[] {
  const gb = memoryMb / 1024;
  const { requestsPerMonth: requests, ms, coldMs, coldShare, peakPerSecond } = traffic;
  const { lambda, managedInstances: managed } = prices;
  const billedSeconds = (requests * (ms + coldShare * coldMs)) / 1000;
  const environments = Math.max(1, Math.ceil((peakPerSecond * ms) / 1000));
  const instances = Math.max(managed.least, servers(traffic, ms, managed.vcpus));
  return [
    {
      host: 'lambda',
      dollars: requests * lambda.request + billedSeconds * gb * lambda.gbSecond[architecture],
      basis: `${memoryMb} MB ${architecture}, ${percent(coldShare)} of the requests cold`,
    },
    {
      host: 'provisioned',
      dollars:
        requests * lambda.request +
        environments * gb * secondsPerMonth * lambda.provisioned.gbSecond[architecture] +
        ((requests * ms) / 1000) * gb * lambda.provisioned.runGbSecond[architecture],
      basis: `${environments} environments stand by all month`,
    },
    {
      host: 'managed',
      dollars: requests * managed.request + instances * hoursPerMonth * managed.hour[architecture] * (1 + managed.fee),
      basis: `${instances} × ${managed.instance[architecture]}, one request a vCPU at once`,
    },
  ];
}

function gpuCosts(traffic: Traffic, prices: Prices): HostCost[] {
  const { managedInstances: managed, gpu, sagemaker, natHour } = prices;
  const gpus = servers(traffic, traffic.gpuMs, 1);
  return [
    {
      host: 'ecs-gpu',
      dollars: gpus * hoursPerMonth * gpu.hour + ecsIdle(prices),
      idle: ecsIdle(prices),
      basis: `${gpus} × ${gpu.instance}, a load balancer and a NAT gateway, always on`,
    },
    {
      host: 'lambda-gpu',
      dollars:
        traffic.requestsPerMonth * managed.request + hoursPerMonth * (gpus * gpu.hour * (1 + managed.fee) + natHour),
      idle: hoursPerMonth * natHour,
      basis: `${gpus} × ${gpu.instance} and a NAT gateway, always on`,
    },
    {
      host: 'sagemaker',
      dollars: gpus * hoursPerMonth * sagemaker.hour,
      idle: 0,
      basis: `${gpus} × ${sagemaker.instance}, always on`,
    },
  ];
}

/** For the busiest second, of servers that answer `atOnce` requests at once. */
function servers({ peakPerSecond }: Traffic, perRequestMs: number, atOnce: number): number {
  return Math.max(1, Math.ceil((peakPerSecond * perRequestMs) / 1000 / atOnce / busyAtMost));
}

/** What stands beside an endpoint on ECS, whether it runs or not. */
function ecsIdle({ balancerHour, natHour }: Prices): number {
  return hoursPerMonth * (balancerHour + natHour);
}

/** Requests a month from which one GPU on ECS that is always on costs less than Lambda. */
export function breakEven(size: FunctionSize, traffic: Traffic, prices: Prices): number {
  const { lambda, gpu } = prices;
  const seconds = (traffic.ms + traffic.coldShare * traffic.coldMs) / 1000;
  const each = lambda.request + seconds * (size.memoryMb / 1024) * lambda.gbSecond[size.architecture];
  return Math.ceil((hoursPerMonth * gpu.hour + ecsIdle(prices)) / each);
}

/** @throws GlowplugError CONFIG_INVALID naming the field */
export function readTraffic(value: unknown, where: string): Traffic {
  if (!isRecord(value)) throw wrong(where, 'an object with requestsPerMonth and ms', value);
  const unknown = Object.keys(value).find((name) => !fields.some((field) => field === name));
  if (unknown !== undefined) throw wrong(where, `one of ${fields.join(', ')}`, unknown);
  const number = (name: (typeof fields)[number], other?: number) => {
    const given = value[name] ?? other;
    if (typeof given === 'number' && Number.isFinite(given) && given >= 0) return given;
    throw wrong(`${where}.${name}`, 'a number from 0 on', given);
  };
  const requestsPerMonth = number('requestsPerMonth');
  const ms = number('ms');
  const coldShare = number('coldShare', 0.01);
  if (coldShare > 1) throw wrong(`${where}.coldShare`, 'a part from 0 to 1', coldShare);
  return {
    requestsPerMonth,
    ms,
    coldMs: number('coldMs', 1000),
    coldShare,
    peakPerSecond: number('peakPerSecond', (10 * requestsPerMonth) / secondsPerMonth),
    gpuMs: number('gpuMs', ms),
  };
}

const fields = ['requestsPerMonth', 'ms', 'coldMs', 'coldShare', 'peakPerSecond', 'gpuMs'] as const;

function wrong(where: string, expected: string, got: unknown): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', `${where}: expected ${expected}, got ${shorten(got)}`, {
    remedy: '{ "ocr": { "requestsPerMonth": 100000, "ms": 400 } }',
  });
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
