// What a test does to its local cloud: S3 fails, environments die, messages come twice, credentials expire, time passes. Each fault lasts
// until it is disposed, and its dice fall the same way at every run.
import type { IncomingMessage } from 'node:http';
import { GlowplugError, shorten } from '../core/errors.ts';
import { seededRandom } from '../core/seeded-random.ts';
import type { Spoil } from './s3/spoil.ts';

export interface Fault extends Disposable {
  /** How often it has struck. */
  readonly hits: number;
}

/** Which requests a fault strikes. */
export interface Dice {
  /** Share of those that it could strike, 0 to 1. @default 1 */
  readonly rate?: number;
  /** Another one lets other requests be struck. @default 1 */
  readonly seed?: number;
  /** After so many hits it strikes no more. @default no limit */
  readonly times?: number;
}

export interface S3Fault extends Spoil, Dice {
  /** Strikes only these. @default all */
  readonly only?: (request: { readonly method: string; readonly bucket: string; readonly key: string }) => boolean;
}

export interface KillFault extends Dice {
  /** @default every function */
  readonly function?: string;
  /** An environment is killed at some time within so many milliseconds after it was handed an invocation. @default 0 */
  readonly withinMs?: number;
}

export interface DuplicateFault extends Dice {
  /** The queue's name. @default every queue */
  readonly queue?: string;
}

/**
 * @example
 * using slow = cloud.faults.s3({ status: 503, rate: 0.1 });
 * expect((await cloud.function('iris').fetch('/', { method: 'POST', body })).status).toBe(200);
 * expect(slow.hits).toBeGreaterThan(0);
 */
export interface Faults {
  /** S3 refuses, breaks off, goes silent, is slow, or answers with half of the bytes or wrong ones. @throws GlowplugError CONFIG_INVALID */
  s3(fault: S3Fault): Fault;
  /** S3 takes no credentials any more: 400 ExpiredToken. */
  expireCredentials(): Fault;
  /** Environments are killed while they work, as when a host dies: their callers get Runtime.ExitError. @throws GlowplugError CONFIG_INVALID */
  kill(fault?: KillFault): Fault;
  /** Messages of standard queues come a second time, as SQS may deliver them: later, and after the first was deleted. @throws GlowplugError CONFIG_INVALID */
  duplicate(fault?: DuplicateFault): Fault;
  /** The clock of S3 and Lambda is ahead by so many milliseconds; functions keep their own. Presigned URLs expire. @throws GlowplugError CONFIG_INVALID */
  moveClock(ms: number): Fault;
}

/** What the local cloud asks before it does its work. */
export interface ActiveFaults extends Faults {
  now(): Date;
  onS3(message: IncomingMessage): Spoil | undefined;
  /** Milliseconds until the environment that works on this invocation dies; undefined: it lives. */
  onInvocation(functionName: string): number | undefined;
  /** Whether a message that came from this queue comes again. */
  onMessage(queueName: string): boolean;
}

/** What a fault may name. */
export interface Deployed {
  functions(): readonly string[];
  queues(): readonly string[];
}

export function createFaults(deployed: Deployed): ActiveFaults {
  const s3 = new Set<Striking<S3Fault>>();
  const kills = new Set<Striking<KillFault>>();
  const duplicates = new Set<Striking<DuplicateFault>>();
  const clocks = new Set<Striking<{ readonly ms: number } & Dice>>();
  return {
    s3(fault) {
      checkS3(fault);
      return add(s3, fault);
    },
    expireCredentials: () => add(s3, { status: 400, code: 'ExpiredToken' }),
    kill(fault = {}) {
      checkNames(fault, ['function', 'withinMs', ...dice]);
      checkOneOf('function', fault.function, deployed.functions());
      checkNumber('withinMs', fault.withinMs);
      return add(kills, fault);
    },
    duplicate(fault = {}) {
      checkNames(fault, ['queue', ...dice]);
      checkOneOf('queue', fault.queue, deployed.queues());
      return add(duplicates, fault);
    },
    moveClock(ms) {
      if (!Number.isFinite(ms)) throw invalid(`expected milliseconds to move the clock by, got ${ms}`);
      return add(clocks, { ms });
    },
    now: () => new Date([...clocks].reduce((time, { fault }) => time + fault.ms, Date.now())),
    onS3(message) {
      const [bucket = '', ...key] = decodeURIComponent((message.url ?? '').split('?', 1)[0] ?? '')
        .slice(1)
        .split('/');
      const request = { method: message.method ?? '', bucket, key: key.join('/') };
      return strike(s3, ({ only }) => only?.(request) ?? true)?.fault;
    },
    onInvocation(name) {
      const struck = strike(kills, (fault) => fault.function === undefined || fault.function === name);
      return struck && struck.random() * (struck.fault.withinMs ?? 0);
    },
    onMessage: (name) => strike(duplicates, ({ queue }) => queue === undefined || queue === name) !== undefined,
  };
}

interface Striking<F extends Dice> {
  readonly fault: F;
  readonly random: () => number;
  hits: number;
}

function add<F extends Dice>(faults: Set<Striking<F>>, fault: F): Fault {
  const { rate = 1, times, seed } = fault;
  checkNumber('times', times);
  checkNumber('seed', seed);
  if (!(rate >= 0 && rate <= 1)) throw invalid(`expected a rate from 0 to 1, got ${rate}`);
  const striking: Striking<F> = { fault, random: seededRandom(fault.seed ?? 1), hits: 0 };
  faults.add(striking);
  return {
    get hits() {
      return striking.hits;
    },
    [Symbol.dispose]: () => void faults.delete(striking),
  };
}

/** The first that strikes; one at a time. */
function strike<F extends Dice>(faults: Set<Striking<F>>, fits: (fault: F) => boolean): Striking<F> | undefined {
  for (const striking of faults) {
    const { fault, random, hits } = striking;
    if (!fits(fault) || hits >= (fault.times ?? Number.POSITIVE_INFINITY) || random() >= (fault.rate ?? 1)) continue;
    striking.hits++;
    return striking;
  }
  return undefined;
}

const dice = ['rate', 'seed', 'times'];
const answering = ['before the answer', 'in the answer'];
const places = {
  reset: ['before the request', 'in the request', ...answering],
  silent: answering,
  wrong: ['in the request', 'in the answer'],
};

function checkS3(fault: S3Fault): void {
  const { status, reset, silent, short, wrong, delayMs } = fault;
  checkNames(fault, ['status', 'code', 'reset', 'silent', 'short', 'wrong', 'delayMs', 'only', ...dice]);
  const effects = [status, reset, silent, short || undefined, wrong].filter((each) => each !== undefined);
  if (effects.length > 1) throw invalid('expected one of status, reset, silent, short and wrong, got several');
  if (effects.length === 0 && delayMs === undefined) {
    throw invalid('expected what S3 does: status, reset, silent, short, wrong or delayMs');
  }
  if (status !== undefined && !(status >= 400 && status <= 599)) {
    throw invalid(`expected a status from 400 to 599, got ${status}`);
  }
  checkOneOf('reset', reset, places.reset);
  checkOneOf('silent', silent, places.silent);
  checkOneOf('wrong', wrong, places.wrong);
  checkNumber('delayMs', delayMs);
}

/** Tests are run without their types being looked at: a name that is misspelt would strike nothing, or everything. */
function checkNames(fault: object, known: readonly string[]): void {
  for (const name of Object.keys(fault)) checkOneOf('fault’s option', name, known);
}

function checkOneOf(what: string, given: string | undefined, known: readonly string[]): void {
  if (given === undefined || known.includes(given)) return;
  throw invalid(`expected the ${what} to be one of ${known.join(', ') || '(there is none)'}; got ${shorten(given)}`);
}

function checkNumber(name: string, given: number | undefined): void {
  if (given === undefined || given >= 0) return;
  throw invalid(`expected ${name} to be a number from 0 up, got ${given}`);
}

function invalid(message: string): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', `cloud.faults: ${message}`, {
    remedy: 'Write the fault as the types say.',
  });
}
