// The commands of `glowplug`, composed. docs/reference/cli.md is generated from this.
import { Command } from 'commander';
import { version } from '../core/version.ts';
import { devCommand } from './dev.ts';
import { doctorCommand } from './doctor.ts';
import { inspectCommand } from './inspect.ts';
import { invokeCommand } from './invoke.ts';
import { lockCommand } from './lock.ts';
import { exitCodes } from './print.ts';
import { publishCommand } from './publish.ts';
import { traceCommand } from './trace.ts';

export function buildProgram(): Command {
  const program = new Command('glowplug')
    .description('Serverless inference functions: ONNX models on AWS Lambda, and on this machine.')
    .version(version)
    .showHelpAfterError('(glowplug --help, or glowplug <command> --help)')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 the command line cannot be understood.');
  const commands = [
    devCommand(),
    invokeCommand(),
    publishCommand(),
    lockCommand(),
    inspectCommand(),
    traceCommand(),
    doctorCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const one of [program, ...commands]) {
    one.configureOutput({ outputError: (text, write) => write(text) }).exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : exitCodes.usage);
    });
  }
  return program;
}
