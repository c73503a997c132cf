// The process that serves: the supervisor forks it, tells it what to serve, and hears how it goes.
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { readContract } from '../core/contract.ts';
import { consoleLog } from '../core/log.ts';
import { weightsFile } from '../models/version.ts';
import { Metrics } from '../observe/metrics.ts';
import { flushSpans } from '../observe/open-telemetry.ts';
import { QueueTime } from '../observe/queue-time.ts';
import type { SessionFactory } from '../session/session.ts';
import { createWorkerSession } from '../session/worker.ts';
import { packError } from '../session/worker-messages.ts';
import { batchMetrics } from './batch-metrics.ts';
import { endOrphaned } from './end-orphaned.ts';
import { defaultLimits } from './limits.ts';
import { loadUnits } from './load-units.ts';
import { readLockedModels } from './locked-models.ts';
import { runMetrics } from './request-metrics.ts';
import { type RunningServer, startServer } from './server.ts';
import type { ConnectionState, FromServing, ServeSpec, ToServing } from './serving-messages.ts';
import type { Unit } from './units.ts';

/** For the answers of those who waited for a stuck run to leave. */
const LAST_WORDS_MS = 500;

// A terminal that was closed takes no log any more; who is answered need not notice.
process.stdout.on('error', () => {});

let server: RunningServer | undefined;
const idOf = new WeakMap<Socket, number>();

process.on('message', (message: ToServing, socket: Socket | undefined) => {
  if (message.kind === 'ping') say({ kind: 'pong' });
  else if (message.kind === 'serve') void serve(message.spec);
  else take(message.id, socket);
});

/** A connection that was reset on its way here comes without its socket. */
function take(id: number, socket: Socket | undefined): void {
  if (socket && server) {
    idOf.set(socket, id);
    socket.once('close', () => tell(socket, 'closed'));
    server.take(socket);
  } else say({ kind: 'connection', id, state: 'closed' });
}

function tell(socket: Socket, state: ConnectionState): void {
  const id = idOf.get(socket);
  if (id !== undefined) say({ kind: 'connection', id, state });
}

async function serve(spec: ServeSpec): Promise<void> {
  const metrics = new Metrics();
  let openError: unknown;
  const inMetrics = runMetrics(metrics);
  const queueTime = queueTimeOf(readContract().endpoint);
  const counted: typeof inMetrics = (labels, run) => {
    inMetrics(labels, run);
    queueTime?.ran(run.queueMs);
  };
  const names = await readLockedModels(spec.units);
  const createSession: SessionFactory = async (modelPath, options) => {
    try {
      const model = names.get(basename(modelPath)) ?? 'unknown';
      const provider = spec.providers[model] ?? spec.providers['*'] ?? 'auto';
      const session = await createWorkerSession(
        await placeOf(modelPath),
        { ...options, provider },
        {
          runLimitMs: spec.runLimitMs,
          onRun: (run) => counted({ model }, run),
          onStuck: (error) => void end(error),
        },
      );
      consoleLog.info('a model was opened', { model, ...session.picked });
      return session;
    } catch (error) {
      openError = error;
      throw error;
    }
  };
  try {
    const { bodyBytes } = { ...defaultLimits, ...spec.limits };
    const { store, modelsMb } = spec;
    const given = { ...(store ? { store } : {}), ...(modelsMb ? { modelsMb } : {}) };
    const contract = { ...readContract(), onLambda: false, ...given };
    const units = loadUnits(spec.units, { contract, createSession, onBatched: batchMetrics(metrics), bodyBytes });
    const onPartly = (socket: Socket, partly: boolean) => tell(socket, partly ? 'partly answered' : 'answered');
    server = await startServer(units, { ...spec, port: undefined, metrics, onPartly });
    drainOnSignals(server, units, spec.drainMs);
    endOrphaned(spec.drainMs + WRITE_MS);
    const { grpcPort } = server;
    say({ kind: 'listening', grpcPort });
    await server.warm();
    say({ kind: 'ready', grpcPort });
  } catch (error) {
    say({ kind: 'failed', error: packError(openError ?? error) });
    await flushed();
    process.exit(1);
  }
}

/** A file that is served as it is lies in the cache as a link, and its external data beside the file itself. */
async function placeOf(modelPath: string): Promise<string> {
  return existsSync(join(dirname(modelPath), weightsFile)) ? modelPath : await realpath(modelPath);
}

/** Into the log, twice a minute: where nothing scales by it, nothing is written. */
function queueTimeOf(endpoint: string | undefined): QueueTime | undefined {
  if (endpoint === undefined) return undefined;
  const queueTime = new QueueTime(endpoint);
  setInterval(() => process.stdout.write(`${queueTime.line(Date.now())}\n`), 30_000).unref();
  return queueTime;
}

/** A stuck run cannot be ended, and a process that exits waits for its threads: SIGKILL is the end that always comes. */
async function end(error: unknown): Promise<void> {
  consoleLog.error('a run is stuck: this process ends and is replaced', { error: String(error) });
  say({ kind: 'failed', error: packError(error) });
  await server?.drain(LAST_WORDS_MS);
  process.kill(process.pid, 'SIGKILL');
}

/** For captured requests and spans that are under way. */
const WRITE_MS = 5000;

function drainOnSignals(server: RunningServer, units: readonly Unit[], drainMs: number): void {
  let draining = false;
  const drain = async () => {
    if (draining) return;
    draining = true;
    await server.drain(drainMs);
    const written = Promise.all([flushSpans(WRITE_MS), ...units.map(async ({ handler }) => await handler.written?.())]);
    await Promise.race([written, systemClock.sleep(WRITE_MS)]);
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void drain());
  // The supervisor is gone: nobody would start the next one.
  process.on('disconnect', () => void drain());
}

function say(message: FromServing): void {
  if (process.connected) process.send?.(message);
}

async function flushed(): Promise<void> {
  await new Promise<void>((resolve) => {
    if (process.connected)
      process.send?.({ kind: 'pong' } satisfies FromServing, undefined, undefined, () => resolve());
    else resolve();
  });
}
