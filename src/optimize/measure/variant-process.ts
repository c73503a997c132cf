// The process in which one variant is measured: its memory is its own, and so are onnxruntime's threads.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createOrtSession, prepareOrt } from '../../session/ort.ts';
import type { Session } from '../../session/session.ts';
import type { FromVariant, ToVariant } from './messages.ts';

let session: Session | undefined;

process.on('message', (message: ToVariant) => {
  answer(message).then(send, (error: unknown) => send({ kind: 'failed', message: String(error) }));
});
process.on('disconnect', () => process.exit(0));

async function answer(message: ToVariant): Promise<FromVariant> {
  if (message.kind === 'open') {
    const { path, threads, cold } = message;
    if (cold) await prepareOrt(dirname(path));
    const start = performance.now();
    const before = process.cpuUsage();
    session = await createOrtSession(path, { threads, ...cold });
    return { kind: 'opened', loadMs: performance.now() - start, cpuMs: cpuSince(before) };
  }
  if (message.kind === 'memory') return { kind: 'peak', bytes: peakBytes() };
  const ms: number[] = [];
  const before = process.cpuUsage();
  for (let run = 0; run < message.count; run++) {
    const start = performance.now();
    await session?.run(message.feeds);
    ms.push(performance.now() - start);
  }
  return { kind: 'ran', ms, cpuMs: cpuSince(before) };
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Linux counts the peak of the process alone; maxRSS begins with what its parent had when it was forked. */
function peakBytes(): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

function send(message: FromVariant): void {
  process.send?.(message);
}
