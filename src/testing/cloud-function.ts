// One function of a running local cloud as a test or a command uses it: its URL, its invocations, its log.
import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { GlowplugError } from '../core/errors.ts';
import { functionUrlListener } from './function-url.ts';
import { FunctionVersions } from './function-versions.ts';
import type { Invocation, Outcome, StreamOutcome } from './invocation.ts';
import type { InvocationTarget } from './lambda-api.ts';
import { type Bound, listen } from './listen.ts';
import type { Fleet } from './runtime/fleet.ts';
import type { CloudIdentity, FunctionSpec } from './runtime/function-spec.ts';
import type { LocalFunction } from './runtime/local-function.ts';
import { signRequest } from './sign-request.ts';

export class CloudFunction implements AsyncDisposable {
  readonly #fleet: Fleet;
  readonly #where: CloudIdentity;
  readonly #now: () => Date;
  #current: LocalFunction;
  #versions: FunctionVersions;
  #listener: RequestListener | undefined;
  #bound: Bound | undefined;

  constructor(spec: FunctionSpec, fleet: Fleet, where: CloudIdentity, now: () => Date) {
    this.#fleet = fleet;
    this.#where = where;
    this.#now = now;
    this.#current = fleet.add(spec);
    this.#versions = new FunctionVersions(fleet, this.#current);
  }

  get spec(): FunctionSpec {
    return this.#current.spec;
  }

  get name(): string {
    return this.spec.name;
  }

  get environment(): Readonly<Record<string, string>> {
    return this.spec.environment;
  }

  /** Its function URL, with a slash at the end as AWS gives it; empty where the template has none. */
  get url(): string {
    return this.#bound ? `${this.#bound.url}/` : '';
  }

  /** Opens its URL. Port 0 takes a free one. */
  async open(port: number): Promise<void> {
    this.#makeListener();
    if (!this.spec.url) return;
    const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) =>
      this.#listener?.(request, response),
    );
    this.#bound = await listen(server, port);
  }

  /** A version or an alias of it, as a front door; undefined where there is none. An alias chooses anew each time. */
  qualified(qualifier: string): Omit<InvocationTarget, 'accept'> | undefined {
    const found = this.#versions.find(qualifier);
    if (!found) return undefined;
    const named = qualifier === '$LATEST' ? {} : { qualifier };
    return {
      version: found.version,
      invoke: (invocation) => found.target.invoke({ ...invocation, ...named }),
      stream: (invocation) => found.target.stream({ ...invocation, ...named }),
    };
  }

  /** As its URL invokes it: through the URL's alias, and with a stream where the URL takes one. */
  readonly #runByUrl = (invocation: Invocation): Promise<Outcome | StreamOutcome> => {
    const { qualifier, invokeMode } = this.spec.url ?? {};
    const target = (qualifier && this.#versions.find(qualifier)?.target) || this.#current;
    return target.stream({
      ...invocation,
      streams: invokeMode === 'RESPONSE_STREAM',
      ...(qualifier ? { qualifier } : {}),
    });
  };

  /**
   * As `fetch`, to a path of its URL, signed as AWS_IAM wants it. The body must be text or bytes.
   *
   * @example
   * const answer = await cloud.function('ocr').fetch('/', { method: 'POST', body: png });
   */
  async fetch(path = '/', init: RequestInit = {}): Promise<Response> {
    if (!this.#bound) {
      throw new GlowplugError('CONFIG_INVALID', `function ${this.name} has no URL in the template`, {
        remedy: 'Invoke it with .invoke(payload), or give it a function URL.',
      });
    }
    const url = new URL(path, this.url);
    if (this.spec.url?.auth === 'NONE') return fetch(url, init);
    const { credentials, region } = this.#where;
    return fetch(url, { ...init, headers: signRequest(url, init, { credentials, region, now: this.#now() }) });
  }

  /** Invokes it with a JSON payload and answers what it returned. @throws GlowplugError with the function's own error */
  async invoke(payload: unknown): Promise<unknown> {
    const outcome = await this.#current.invoke({ payload: Buffer.from(JSON.stringify(payload) ?? 'null') });
    if (outcome.kind === 'response') return JSON.parse(Buffer.from(outcome.payload).toString());
    if (outcome.kind === 'error') {
      throw new GlowplugError('INTERNAL', `function ${this.name} failed: ${Buffer.from(outcome.payload)}`, {
        remedy: `Read its log: cloud.function('${this.name}').logs().`,
      });
    }
    if (outcome.kind === 'too-large') {
      throw new GlowplugError('INPUT_TOO_LARGE', `expected a payload of at most 6 MB, got ${outcome.bytes} bytes`);
    }
    throw new GlowplugError('STORE_UNAVAILABLE', `function ${this.name} is throttled: ${outcome.reason}`, {
      remedy: 'Send fewer requests at once, or raise its reserved concurrency.',
    });
  }

  /** A line of the local cloud's own in its log. */
  readonly note = (line: string): void => this.#current.log.note(line);

  /** The newest part of its log, as CloudWatch would have it. */
  logs(): string {
    return this.#current.log.text;
  }

  kill(): Promise<number> {
    return this.#versions.kill();
  }

  /** Goes on as `spec`: who runs finishes as before, who comes next meets the new version. */
  replace(spec: FunctionSpec): void {
    const old = this.#versions;
    this.#current = this.#fleet.add(spec, this.#current.log);
    this.#versions = new FunctionVersions(this.#fleet, this.#current);
    this.#makeListener();
    old.retire(this.#versions);
  }

  /** Closes its URL; what it runs may finish as long as the fleet lives. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bound?.[Symbol.asyncDispose]();
    this.#versions.retire();
  }

  #makeListener(): void {
    const { url } = this.spec;
    const { region, account, credentials } = this.#where;
    this.#listener =
      url &&
      functionUrlListener({
        invoke: this.#runByUrl,
        auth: url.auth,
        cors: url.cors,
        secretFor: (id) => (id === credentials.accessKeyId ? credentials.secretAccessKey : undefined),
        urlId: createHash('sha256').update(this.name).digest('hex').slice(0, 32),
        region,
        account,
        now: this.#now,
      });
  }
}
