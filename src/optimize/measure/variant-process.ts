// The process in which one variant is measured: its memory is its own, and so are onnxruntime's threads.
import { readFileSync } from 'node:fs';
import { createOrtSession } from '../../session/ort.ts';
import type { Session } from '../../session/session.ts';
import type { FromVariant, ToVariant } from './messages.ts';

let session: Session | undefined;

process.on('message', (message: ToVariant) => {
  answer(message).then(send, (error: unknown) => send({ kind: 'failed', message: String(error) }));
});
process.on('disconnect', () => process.exit(0));

async function answer(message: ToVariant): Promise<FromVariant> {
  if (message.kind === 'open') {
    const start = performance.now();
    session = await createOrtSession(message.path, { threads: message.threads });
    return { kind: 'opened', loadMs: performance.now() - start };
  }
  if (message.kind === 'memory') return { kind: 'peak', bytes: peakBytes() };
  const ms: number[] = [];
  const before = process.cpuUsage();
  for (let run = 0; run < message.count; run++) {
    const start = performance.now();
    await session?.run(message.feeds);
    ms.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(before);
  return { kind: 'ran', ms, cpuMs: (user + system) / 1000 };
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
