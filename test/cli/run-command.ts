// Runs one sub-command in this process and gives back what a terminal would have shown.
import type { Command } from 'commander';
import { vi } from 'vitest';

export interface Shown {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCommand(command: Command, ...args: string[]): Promise<Shown> {
  const before = process.exitCode;
  process.exitCode = 0;
  const stdout = capture(process.stdout);
  const stderr = capture(process.stderr);
  try {
    await command.parseAsync(args, { from: 'user' });
    return { exitCode: Number(process.exitCode), stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    stdout.restore();
    stderr.restore();
    process.exitCode = before;
  }
}

function capture(stream: NodeJS.WriteStream) {
  const parts: string[] = [];
  const spy = vi.spyOn(stream, 'write').mockImplementation((part) => {
    parts.push(String(part));
    return true;
  });
  // Colours are picocolors' matter: on where CI says so, which is not what these tests are about.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
  return { text: () => parts.join('').replace(/\u001b\[\d+m/g, ''), restore: () => spy.mockRestore() };
}
