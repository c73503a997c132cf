// How far a transfer is: bytes, rate and the time left, on standard error, so that standard output is the result alone.
import pc from 'picocolors';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Transfer } from '../models/send-blobs.ts';

interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface Progress {
  /** Without a transfer: it is about to begin. */
  tell(what: string, transfer: Transfer | undefined): void;
  end(): void;
}

/** A terminal shows one line that changes; a log gets a line for each thing, and another every ten seconds. */
export function transferProgress(terminal: Terminal = process.stderr, clock: Clock = systemClock): Progress {
  let current = '';
  let began = 0;
  let shown = 0;
  let line = '';

  return {
    tell(what, transfer) {
      if (what !== current) {
        this.end();
        current = what;
        began = clock.now();
        shown = began;
        line = `${pc.dim('·')} ${what}`;
        terminal.write(terminal.isTTY ? line : `${line}\n`);
      }
      const done = transfer && transfer.sent + transfer.skipped >= transfer.total;
      if (!transfer || (!done && clock.now() - shown < (terminal.isTTY ? 200 : 10_000))) return;
      shown = clock.now();
      line = `${pc.dim('·')} ${what}  ${describeTransfer(transfer, (shown - began) / 1000)}`;
      if (terminal.isTTY) terminal.write(`\r\u001b[K${line}`);
      else if (!done || transfer.sent > 0) terminal.write(`${line}\n`);
    },
    end() {
      if (current && terminal.isTTY) terminal.write('\n');
      current = '';
    },
  };
}

/** `312 of 500 MB, 84 MB/s, 3 s left`; what was in the store already is named, and is no part of the rate. */
export function describeTransfer({ total, skipped, sent }: Transfer, seconds: number): string {
  const left = total - skipped - sent;
  const rate = seconds > 0 ? sent / seconds : 0;
  return [
    `${megabytes(skipped + sent)} of ${megabytes(total)} MB`,
    ...(skipped > 0 ? [`${megabytes(skipped)} MB were there`] : []),
    ...(sent > 0 && rate > 0 ? [`${megabytes(rate)} MB/s`] : []),
    ...(left > 0 && rate > 0 ? [`${duration(left / rate)} left`] : []),
  ].join(', ');
}

function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
