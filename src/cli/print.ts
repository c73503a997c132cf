// What every command does around its one verb: print for people or as JSON, and end with the right code.
import { Command } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { printableLines } from './printable.ts';

/** 0: done. 1: it failed. 2: the command line cannot be understood (commander's own refusals). */
export const exitCodes = { failed: 1, usage: 2 } as const;

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** What is to be found where a command was told to write it. */
export function printWrote(file: string | undefined): void {
  if (file !== undefined) printLine(`${pc.green('wrote')}  ${file}`);
}

/** Progress goes to standard error, so that standard output is the result alone. */
export function printProgress(text: string): void {
  process.stderr.write(`${pc.dim('·')} ${text}\n`);
}

/** A line of a function's log. */
export function printLog(name: string, line: string): void {
  const below = `${pc.dim(`${' '.repeat(name.length)} │`)} `;
  process.stderr.write(`${pc.dim(`${name} │`)} ${printableLines(line.trimEnd(), below)}\n`);
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2));
}

export function printError(error: unknown): void {
  const known = error instanceof GlowplugError;
  process.stderr.write(`${pc.red('✗')} ${error instanceof Error ? error.message : String(error)}\n`);
  if (known) process.stderr.write(`  ${error.remedy} ${pc.dim(`(${error.code})`)}\n`);
  // A fault of our own needs its place; what the catalogue knows, and a path that the system refuses, does not.
  else if (error instanceof Error && error.stack && !('syscall' in error && 'path' in error))
    process.stderr.write(`${pc.dim(error.stack)}\n`);
}

/** One line, so that it is told from the progress before it; a fault of our own has its place instead of a remedy. */
function printErrorJson(error: unknown): void {
  const { message: text, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  const told =
    error instanceof GlowplugError ? { code: error.code, remedy: error.remedy } : { code: 'INTERNAL', stack };
  process.stderr.write(`${JSON.stringify({ error: text, ...told })}\n`);
}

/** Runs a command's verb; a failure is printed, as JSON with --json, and becomes the exit code. */
export function command<A extends unknown[]>(verb: (...args: A) => Promise<void>): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      await verb(...args);
    } catch (error) {
      // Commander hands over the command last.
      const it = args.at(-1);
      if (it instanceof Command && it.opts()['json'] === true) printErrorJson(error);
      else printError(error);
      process.exitCode = exitCodes.failed;
    }
  };
}
