// glowplug doctor: what is missing on this machine, and how to get it.
import { Command } from 'commander';
import pc from 'picocolors';
import type { Finding } from './finding.ts';
import { machineChecks } from './machine-checks.ts';
import { command, exitCodes, printJson, printLine } from './print.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Say what is missing on this machine to run, test and deploy the app, and how to get it.')
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug doctor\n  glowplug doctor --json\n\nExit codes: 0 nothing needed is missing, 1 something is, 2 usage.',
    )
    .action(command(doctor));
}

interface Named extends Finding {
  readonly name: string;
}

const marks = { ok: pc.green('✓'), advice: pc.yellow('!'), missing: pc.red('✗') } as const;

async function doctor(options: { json?: boolean }): Promise<void> {
  const findings: Named[] = [];
  for (const [name, check] of Object.entries(machineChecks)) {
    const finding = { name, ...(await check(process.cwd())) };
    findings.push(finding);
    if (!options.json) printFinding(finding);
  }
  const missing = findings.filter(({ status }) => status === 'missing').length;
  if (options.json) printJson({ ok: missing === 0, findings });
  else printLine(`\n${missing === 0 ? 'Nothing that is needed is missing.' : `Missing: ${missing}.`}`);
  if (missing > 0) process.exitCode = exitCodes.failed;
}

function printFinding({ name, status, found, remedy }: Named): void {
  const width = Math.max(...Object.keys(machineChecks).map((one) => one.length));
  printLine(`${marks[status]} ${name.padEnd(width)}  ${found}`);
  if (remedy) printLine(`  ${' '.repeat(width)}  ${pc.dim('→')} ${remedy}`);
}
