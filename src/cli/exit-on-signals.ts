// Ctrl-C ends a command by way of 'exit', at which its temporary files go; by itself a signal skips that.
import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM'] as const;

export function exitOnSignals(): Disposable {
  const exit = (signal: (typeof signals)[number]) => process.exit(128 + constants.signals[signal]);
  for (const signal of signals) process.on(signal, exit);
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, exit);
    },
  };
}
