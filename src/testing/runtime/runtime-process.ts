// One run of AWS's runtime client in a Node process of its own, and the Runtime API it talks to: what it does comes
// out as signals, one after the other.
import { type ChildProcess, spawn } from 'node:child_process';
import type { CloudIdentity, FunctionSpec } from './function-spec.ts';
import { lambdaVariables } from './lambda-variables.ts';
import type { RuntimeClient } from './locate-client.ts';
import { Mailbox } from './mailbox.ts';
import type { Reaper } from './reaper.ts';
import type { ResponseStream, StreamEnd } from './response-stream.ts';
import { RuntimeApi, type RuntimeEvent } from './runtime-api.ts';

export type RuntimeSignal =
  /** It waits for an event. */
  | { readonly kind: 'next' }
  | { readonly kind: 'response' | 'error' | 'init-error'; readonly payload: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'stream'; readonly stream: ResponseStream }
  | { readonly kind: 'stream-end'; readonly end: StreamEnd }
  | { readonly kind: 'exit'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  /** Put there by who has the clock and the scales. */
  | { readonly kind: 'timeout' | 'out-of-memory' };

export interface RuntimeProcessOptions {
  readonly spec: FunctionSpec;
  readonly where: CloudIdentity;
  readonly tmp: string;
  readonly logStream: string;
  readonly client: RuntimeClient;
  readonly reaper: Reaper;
  onOutput(chunk: Buffer): void;
}

const windows = process.platform === 'win32';

export class RuntimeProcess {
  /** Of the process itself: that it waits for an event, that its init failed, how it ended. */
  readonly signals: Mailbox<RuntimeSignal>;
  /** Of each invocation that is not over. */
  readonly #invocations: Map<string, Mailbox<RuntimeSignal>>;
  readonly #api: RuntimeApi;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #frozen = false;

  static async start(options: RuntimeProcessOptions): Promise<RuntimeProcess> {
    const { spec, where } = options;
    const signals = new Mailbox<RuntimeSignal>();
    const invocations = new Map<string, Mailbox<RuntimeSignal>>();
    const tell = (id: string, signal: RuntimeSignal) => invocations.get(id)?.put(signal);
    const api = await RuntimeApi.open({
      onNext: () => signals.put({ kind: 'next' }),
      onResponse: (id, payload) => tell(id, { kind: 'response', payload }),
      onStream: (id, stream) => {
        tell(id, { kind: 'stream', stream });
        void stream.ended.then((end) => tell(id, { kind: 'stream-end', end }));
      },
      onError: (id, payload) => tell(id, { kind: 'error', payload }),
      onTooLarge: (id) => tell(id, { kind: 'too-large' }),
      onInitError: (payload) => signals.put({ kind: 'init-error', payload }),
    });
    const child = spawn(
      process.execPath,
      [...nodeOptions(spec), '--import', options.client.preload, options.client.main],
      {
        cwd: spec.codeFolder,
        env: lambdaVariables(spec, where, { tmp: options.tmp, runtimeApi: api.address, logStream: options.logStream }),
        stdio: ['ignore', 'pipe', 'pipe'],
        // A group of its own, so that what a handler starts is frozen and ended with it, and Ctrl-C is ours to handle.
        detached: !windows,
      },
    );
    return new RuntimeProcess(signals, invocations, api, child, options);
  }

  private constructor(
    signals: Mailbox<RuntimeSignal>,
    invocations: Map<string, Mailbox<RuntimeSignal>>,
    api: RuntimeApi,
    child: ChildProcess,
    options: RuntimeProcessOptions,
  ) {
    this.signals = signals;
    this.#invocations = invocations;
    this.#api = api;
    this.#child = child;
    child.stdout?.on('data', options.onOutput);
    child.stderr?.on('data', options.onOutput);
    const { pid } = child;
    if (pid !== undefined) options.reaper.watch(pid);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      if (pid !== undefined) {
        // What the handler started and left behind goes too.
        this.#send('SIGKILL');
        options.reaper.release(pid);
      }
      this.#tellAll({ kind: 'exit', code, signal });
      resolve();
    };
    child.once('exit', end);
    child.once('error', (error) => {
      options.onOutput(Buffer.from(`${error.message}\n`));
      if (pid === undefined) end(1, null);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  /** Hands it the event; what comes of it is put into the mailbox until `over`. */
  deliver(event: RuntimeEvent): Mailbox<RuntimeSignal> {
    const signals = new Mailbox<RuntimeSignal>();
    this.#invocations.set(event.requestId, signals);
    this.thaw();
    this.#api.deliver(event);
    return signals;
  }

  /** What still comes of the invocation is heard by nobody. */
  over(requestId: string): void {
    this.#invocations.delete(requestId);
  }

  /** Whoever has the scales found it too heavy. */
  ranOutOfMemory(): void {
    this.#tellAll({ kind: 'out-of-memory' });
  }

  /** Only while it waits for an event: a stopped process answers nothing. */
  freeze(): void {
    if (windows || this.#frozen || !this.#api.isWaiting) return;
    this.#frozen = true;
    this.#send('SIGSTOP');
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.#send('SIGCONT');
  }

  /** Ends it at once, stopped or not. */
  async kill(): Promise<void> {
    if (this.isAlive) this.#send('SIGKILL');
    await this.#exited;
    await this.#api[Symbol.asyncDispose]();
  }

  #tellAll(signal: RuntimeSignal): void {
    for (const invocation of this.#invocations.values()) invocation.put(signal);
    this.signals.put(signal);
  }

  #send(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      if (windows) this.#child.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** As Lambda starts Node: a heap of 90 % and a semi-space of 5 % of the function's memory. */
function nodeOptions({ memoryMb, debug }: FunctionSpec): string[] {
  return [
    ...(debug ? [`--inspect=127.0.0.1:${debug.port}`] : []),
    '--expose-gc',
    '--max-http-header-size=81920',
    `--max-semi-space-size=${Math.max(1, Math.floor(memoryMb * 0.05))}`,
    `--max-old-space-size=${Math.floor(memoryMb * 0.9)}`,
  ];
}
