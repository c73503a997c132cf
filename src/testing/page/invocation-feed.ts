// The invocations of a local cloud, read from its functions' logs as they are written: what CloudWatch would show, as a list.
import { isRecord } from '../../core/is-record.ts';
import { coldStartsIn } from '../cold-starts-in.ts';
import { barsOf, requestIn } from '../explain-request.ts';
import type { PageInvocation } from './page-data.ts';
import { platformEvent } from './platform-event.ts';

/** The newest are kept. */
const keptInvocations = 200;
/** The first lines of each: a function that writes without end fills no memory. */
const keptLines = 200;
const keptCharacters = 4_000;

export class InvocationFeed {
  readonly #invocations = new Map<string, PageInvocation>();
  /** Environment → the invocation it runs. */
  readonly #running = new Map<string, string>();
  /** Environment → what its init wrote, until an invocation takes it. */
  readonly #init = new Map<string, string[]>();
  readonly #listeners = new Set<(invocation: PageInvocation) => void>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The oldest first. */
  get invocations(): PageInvocation[] {
    return [...this.#invocations.values()];
  }

  /** Hears of each change of an invocation. Disposing ends that. */
  listen(listener: (invocation: PageInvocation) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** One line of a function's log, as one of its environments wrote it. */
  hear(functionName: string, line: string, environment: string): void {
    const entry = parse(line);
    const event = platformEvent(line, entry);
    if (event?.kind === 'start') this.#start(event.id, functionName, environment);
    else if (event?.kind === 'end') this.#running.delete(environment);
    else if (event?.kind === 'report') this.#change(event.id, { done: true, ...event.report });
    else this.#note(line, entry, environment);
  }

  #start(id: string, functionName: string, environment: string): void {
    const logs = this.#init.get(environment) ?? [];
    this.#init.delete(environment);
    this.#running.set(environment, id);
    this.#invocations.set(id, {
      id,
      function: functionName,
      environment,
      startedAt: this.#now(),
      done: false,
      durationMs: undefined,
      initMs: undefined,
      memoryMb: undefined,
      maxMemoryMb: undefined,
      failure: undefined,
      stages: [],
      request: [],
      logs: [],
    });
    const oldest = this.#invocations.keys().next().value;
    if (this.#invocations.size > keptInvocations && oldest !== undefined) this.#invocations.delete(oldest);
    if (logs.length === 0) this.#change(id, {});
    for (const line of logs) this.#add(id, line);
  }

  /** Where several run at once, the line itself says whose it is. */
  #note(line: string, entry: Entry | undefined, environment: string): void {
    const named = typeof entry?.['requestId'] === 'string' ? entry['requestId'] : undefined;
    const id = named !== undefined && this.#invocations.has(named) ? named : this.#running.get(environment);
    const lines = this.#init.get(environment) ?? [];
    if (id !== undefined) this.#add(id, line);
    else if (lines.length < keptLines) this.#init.set(environment, [...lines, line]);
  }

  #add(id: string, line: string): void {
    const { logs = [], stages = [], request = [] } = this.#invocations.get(id) ?? {};
    if (logs.length >= keptLines) return;
    const [found] = coldStartsIn(line);
    const told = requestIn(line, id);
    this.#change(id, {
      logs: [...logs, line.slice(0, keptCharacters)],
      stages: found ?? stages,
      request: told ? barsOf(told) : request,
    });
  }

  #change(id: string, change: Partial<PageInvocation>): void {
    const before = this.#invocations.get(id);
    if (!before) return;
    const after = { ...before, ...change };
    this.#invocations.set(id, after);
    for (const listener of this.#listeners) listener(after);
  }
}

type Entry = Readonly<Record<string, unknown>>;

function parse(line: string): Entry | undefined {
  const start = line.indexOf('{');
  if (start < 0) return undefined;
  try {
    const value: unknown = JSON.parse(line.slice(start));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
