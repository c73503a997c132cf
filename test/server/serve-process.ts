// glowplug serve as a user runs it: a process of its own, on a free port.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { root } from '../root.ts';

export interface ServeProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** The next line that --json prints: the first start, then each restart. */
  ready(): Promise<{
    readonly url: string;
    readonly grpc?: string;
    readonly pid: number;
    readonly models: object;
    readonly functions: object;
  }>;
  /** Resolves when it has written `text` to standard error. */
  says(text: string): Promise<void>;
  /** What it ended with, and what it wrote to standard error. */
  ended(): Promise<{ readonly code: number | null; readonly stderr: string }>;
}

export function serveProcess(args: readonly string[], env: Readonly<Record<string, string>> = {}): ServeProcess {
  const child = spawn(
    process.execPath,
    ['--conditions=glowplug-source', 'src/cli/main.ts', 'serve', '--json', '--port', '0', ...args],
    { cwd: root, env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exit = once(child, 'close');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    child,
    async ready() {
      const { value } = await lines.next();
      if (value === undefined) throw new Error(`glowplug serve ended: ${stderr}`);
      return JSON.parse(value);
    },
    async says(text) {
      while (!stderr.includes(text)) await once(child.stderr, 'data');
    },
    async ended() {
      const [code] = await exit;
      return { code, stderr };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exit;
    },
  };
}

/** Asks whether it is ready, again and again, until `seen` has found that it is after all. */
export function watchReadiness(url: string) {
  const seen: ('ready' | 'not ready')[] = [];
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted || seen.at(-1) !== 'ready') {
      const ready = await fetch(`${url}/v2/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
      const now = ready ? 'ready' : 'not ready';
      if (seen.at(-1) !== now) seen.push(now);
      await new Promise((later) => setTimeout(later, 10));
    }
  })();
  return {
    /** What it was, each time that it changed. */
    async seen() {
      over.abort();
      await watching;
      return seen;
    },
  };
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
