// What is being done now, on standard error: one line that changes on a terminal; in a log a line now and then.
import pc from 'picocolors';
import { type Clock, systemClock } from '../core/clock.ts';

interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Milliseconds between two lines of a log. */
const PAUSE = 5000;

export function stepProgress(terminal: Terminal = process.stderr, clock: Clock = systemClock) {
  let shown = Number.NEGATIVE_INFINITY;
  return {
    tell(what: string): void {
      if (terminal.isTTY) terminal.write(`\r\u001b[K${pc.dim('·')} ${what}`);
      else if (clock.now() - shown >= PAUSE) {
        shown = clock.now();
        terminal.write(`${pc.dim('·')} ${what}\n`);
      }
    },
    end(): void {
      if (terminal.isTTY) terminal.write('\r\u001b[K');
    },
  };
}
