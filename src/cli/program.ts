// The commands of `glowplug`, composed. docs/reference/cli.md is generated from this.
import { Command } from 'commander';
import { version } from '../core/version.ts';
import { baselineCommand } from './baseline.ts';
import { benchCommand } from './bench.ts';
import { clientCommand } from './client.ts';
import { convertCommand } from './convert.ts';
import { copyCommand } from './copy.ts';
import { costCommand } from './cost.ts';
import { deployCommand } from './deploy.ts';
import { devCommand } from './dev.ts';
import { diffCommand } from './diff.ts';
import { distillDataCommand } from './distill-data.ts';
import { doctorCommand } from './doctor.ts';
import { explainCommand } from './explain.ts';
import { historyCommand } from './history.ts';
import { initCommand } from './init.ts';
import { inspectCommand } from './inspect.ts';
import { invokeCommand } from './invoke.ts';
import { keygenCommand } from './keygen.ts';
import { lockCommand } from './lock.ts';
import { logsCommand } from './logs.ts';
import { lsCommand } from './ls.ts';
import { compareCommand, optimizeCommand } from './optimize.ts';
import { exitCodes } from './print.ts';
import { pruneCommand } from './prune.ts';
import { publishCommand } from './publish.ts';
import { pullCommand } from './pull.ts';
import { qualityCommand } from './quality.ts';
import { rollbackCommand } from './rollback.ts';
import { serveCommand } from './serve.ts';
import { showCommand } from './show.ts';
import { signCommand } from './sign.ts';
import { tagCommand } from './tag.ts';
import { traceCommand } from './trace.ts';
import { transformCommand } from './transform.ts';
import { truthCommand } from './truth.ts';
import { yankCommand } from './yank.ts';

export function buildProgram(): Command {
  const program = new Command('glowplug')
    .description('Serverless inference functions: ONNX models on AWS Lambda, and on this machine.')
    .version(version)
    .showHelpAfterError('(glowplug --help, or glowplug <command> --help)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 the command line cannot be understood.\nWith --json a failure is the last line of standard error, as JSON: error, code, remedy.',
    );
  const commands = [
    initCommand(),
    devCommand(),
    invokeCommand(),
    logsCommand(),
    clientCommand(),
    serveCommand(),
    convertCommand(),
    publishCommand(),
    lockCommand(),
    lsCommand(),
    showCommand(),
    diffCommand(),
    tagCommand(),
    rollbackCommand(),
    historyCommand(),
    yankCommand(),
    keygenCommand(),
    signCommand(),
    pullCommand(),
    copyCommand(),
    pruneCommand(),
    deployCommand(),
    transformCommand(),
    inspectCommand(),
    optimizeCommand(),
    distillDataCommand(),
    compareCommand(),
    benchCommand(),
    costCommand(),
    baselineCommand(),
    qualityCommand(),
    truthCommand(),
    traceCommand(),
    explainCommand(),
    doctorCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const one of [program, ...commands, ...commands.flatMap((command) => command.commands)]) {
    one.configureOutput({ outputError: (text, write) => write(text) }).exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : exitCodes.usage);
    });
  }
  return program;
}
