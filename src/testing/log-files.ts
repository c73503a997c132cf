// The functions' logs as files of a kept cloud, so that another terminal can read along and they are there afterwards.
import { createWriteStream, mkdirSync, rmSync, type WriteStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';

const suffix = '.log';
/** Where a cloud that is kept in `folder` writes them. */
export const logsIn = (folder: string): string => join(folder, 'logs');

/** Begins anew: they hold what this run of the cloud wrote. */
export class LogFiles implements AsyncDisposable {
  readonly #folder: string;
  readonly #files = new Map<string, WriteStream>();

  constructor(folder: string) {
    this.#folder = logsIn(folder);
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#folder, { recursive: true });
  }

  write(functionName: string, line: string): void {
    let file = this.#files.get(functionName);
    if (!file) {
      file = createWriteStream(join(this.#folder, `${functionName}${suffix}`));
      file.on('error', () => {}); // A full disk is told by what needs it.
      this.#files.set(functionName, file);
    }
    file.write(`${line}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => new Promise<void>((done) => file.close(() => done()))));
  }
}

export interface LoggedLine {
  readonly function: string;
  readonly line: string;
}

/** How often a file is looked at for more. */
const everyMs = 200;

/**
 * The lines that are there; with a clock to wait on, also those that come, until the signal aborts. undefined as name: of
 * every function.
 */
export async function* readLogs(
  folder: string,
  name: string | undefined,
  follow?: { readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<LoggedLine> {
  const read = new Map<string, number>();
  for (;;) {
    const there = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith(suffix)).sort();
    for (const file of there) {
      const own = file.slice(0, -suffix.length);
      if (name !== undefined && own !== name) continue;
      const { lines, end } = await readFrom(join(folder, file), read.get(own) ?? 0);
      read.set(own, end);
      for (const line of lines) yield { function: own, line };
    }
    if (!follow || follow.signal.aborted) return;
    await follow.clock.sleep(everyMs, follow.signal).catch(() => {}); // Aborted: looked at one last time.
  }
}

/** The whole lines from `start` on, and where the next begins. A file that is shorter now has begun anew. */
async function readFrom(path: string, start: number): Promise<{ lines: string[]; end: number }> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const from = size < start ? 0 : start;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const whole = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
    return { lines: buffer.toString('utf8', 0, whole).split('\n').slice(0, -1), end: from + whole };
  } catch {
    return { lines: [], end: start }; // Gone meanwhile.
  }
}
