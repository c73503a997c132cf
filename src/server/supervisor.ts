// Owns the port and one serving process: starts it, hands it the connections, passes signals on, and starts the next one when it dies.
import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import { unpackError } from '../session/worker-messages.ts';
import { Acceptor } from './acceptor.ts';
import { defaultLimits } from './limits.ts';
import type { FromServing, ServeSpec, ToServing } from './serving-messages.ts';

export interface SupervisorOptions {
  /** Each time a process is ready, the first and its successors. */
  readonly onReady: (serving: {
    readonly port: number;
    readonly grpcPort: number | undefined;
    readonly pid: number;
  }) => void;
  /** What happens between: one sentence. */
  readonly onEvent: (text: string) => void;
  /** Aborting drains and ends it; aborting is how SIGTERM arrives. */
  readonly signal: AbortSignal;
  /** Aborting ends it at once: who still waits is answered 503. */
  readonly cut?: AbortSignal;
  readonly clock?: Clock;
  /** How long its event loop may not answer. @default 30,000 */
  readonly silenceMs?: number;
  /** Starts a process that speaks serving-messages.ts. @default serving-process.ts */
  readonly start?: () => ChildProcess;
  /** Between a death and the next start; it doubles with each death in a row. @default 250 */
  readonly pauseMs?: number;
}

/** Deaths in a row, none of them ready, after which another start would only be the next. */
const MOST_DEATHS = 5;
/** A drain that takes longer has somebody to wait for, and says so. */
const SILENT_DRAIN_MS = 500;
/** Past the drain limit, for a process that does not even end then. */
const KILL_AFTER_MS = 5000;

/**
 * Resolves when `signal` ended it and all that was accepted is answered.
 *
 * @throws GlowplugError CONFIG_INVALID when the port is taken, what the first start failed with, or INTERNAL when it dies
 *   again and again
 */
export async function supervise(spec: ServeSpec, options: SupervisorOptions): Promise<void> {
  const acceptor = new Acceptor({ ...defaultLimits, ...spec.limits }.connections);
  await acceptor.listen(spec.host, spec.port);
  try {
    await keepServing(spec, acceptor, options);
  } finally {
    await acceptor.close();
  }
}

async function keepServing(spec: ServeSpec, acceptor: Acceptor, options: SupervisorOptions): Promise<void> {
  const { signal, onEvent, clock = systemClock, pauseMs = 250 } = options;
  let { grpcPort } = spec;
  let deaths = 0;
  let everReady = false;
  while (!signal.aborted) {
    const life = await live({ ...spec, grpcPort }, acceptor, options);
    grpcPort = life.grpcPort ?? grpcPort;
    everReady ||= life.ready;
    if (signal.aborted) return;
    if (!everReady && life.error) throw life.error;
    deaths = life.ready ? 1 : deaths + 1;
    if (deaths >= MOST_DEATHS) {
      throw new GlowplugError(
        'INTERNAL',
        `expected the serving process to stay up, it died ${deaths} times in a row before it was ready; at last: ${life.end}`,
        {
          ...(life.error ? { cause: life.error } : {}),
          remedy: 'Read its log above: each start says what it fails at.',
        },
      );
    }
    const pause = pauseMs * 2 ** (deaths - 1);
    onEvent(`the serving process ended (${life.end}); the next one starts in ${pause} ms`);
    await clock.sleep(pause, signal).catch(() => {});
  }
}

interface Life {
  readonly listening: boolean;
  readonly grpcPort: number | undefined;
  readonly ready: boolean;
  /** Why it said it ends. */
  readonly error: GlowplugError | undefined;
  /** How it ended, in words. */
  readonly end: string;
}

async function live(spec: ServeSpec, acceptor: Acceptor, options: SupervisorOptions): Promise<Life> {
  const { signal, cut, onReady, onEvent, clock = systemClock, silenceMs = 30_000 } = options;
  const child = (options.start ?? start)();
  const over = new AbortController();
  const state: { -readonly [Key in Exclude<keyof Life, 'end'>]: Life[Key] } = {
    listening: false,
    grpcPort: undefined,
    ready: false,
    error: undefined,
  };
  let asked: number | undefined;
  let silent = false;
  child.on('message', (message: FromServing) => {
    asked = undefined;
    if (message.kind === 'failed') state.error = unpackError(message.error);
    if (message.kind === 'connection') acceptor.hear(message);
    if (message.kind === 'listening') {
      [state.listening, state.grpcPort] = [true, message.grpcPort];
      // A ping waits its turn behind the connections.
      acceptor.handTo(child, () => {
        asked = undefined;
      });
    }
    if (message.kind !== 'ready') return;
    state.ready = true;
    if (child.pid !== undefined) onReady({ port: acceptor.port, grpcPort: message.grpcPort, pid: child.pid });
  });
  child.on('error', (error) => {
    state.error ??= new GlowplugError('INTERNAL', 'the serving process cannot be started', { cause: error });
  });
  const kill = () => child.kill('SIGKILL');
  const drain = () => {
    child.kill('SIGTERM');
    const after = (ms: number, what: () => void) => void clock.sleep(ms, over.signal).then(what, () => {});
    after(SILENT_DRAIN_MS, () => onEvent(waiting(spec.drainMs)));
    after(spec.drainMs + KILL_AFTER_MS, kill);
  };
  cut?.addEventListener('abort', kill, { once: true });
  signal.addEventListener('abort', drain, { once: true });
  if (signal.aborted) drain();
  void watch();
  child.send({ kind: 'serve', spec } satisfies ToServing, () => {});
  const end = await new Promise<string>((resolve) => {
    // After the last thing that it said, which 'exit' need not be.
    child.once('close', (code, by) => resolve(by ? `by ${by}` : `with exit code ${code}`));
    child.once('error', () => child.pid ?? resolve('before it began'));
  });
  acceptor.lost(signal.aborted ? 'it drained' : 'it died');
  over.abort();
  signal.removeEventListener('abort', drain);
  cut?.removeEventListener('abort', kill);
  const why = silent
    ? `its event loop did not answer for ${silenceMs / 1000} s: move what keeps it busy out of decode, predict and encode, into a worker thread`
    : state.error?.message;
  return { ...state, end: why ? `${why}, ${end}` : end };

  /** A function whose own code never gives the event loop back is as dead as one that crashed. */
  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      await clock.sleep(silenceMs / 4, over.signal).catch(() => {});
      // Until it listens it is busy loading, which is not for this clock.
      if (!state.listening || signal.aborted) continue;
      if (asked !== undefined && clock.now() - asked >= silenceMs) {
        silent = true;
        kill();
      }
      if (asked === undefined && child.connected) {
        asked = clock.now();
        child.send({ kind: 'ping' } satisfies ToServing, () => {});
      }
    }
  }
}

function waiting(drainMs: number): string {
  return `waiting for the answers under way, at most ${drainMs / 1000} s; Ctrl-C again ends at once`;
}

/** Its log is for people and collectors, not the command's result: standard error. */
function start(): ChildProcess {
  const file = fileURLToPath(new URL(`./serving-process${extname(import.meta.url)}`, import.meta.url));
  return fork(file, [], { stdio: ['ignore', 2, 2, 'ipc'], serialization: 'advanced' });
}
