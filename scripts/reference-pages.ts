// The generated pages of docs/reference: each is a table or text that the code already holds.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { buildProgram } from '../src/cli/program.ts';
import { catalogue } from '../src/core/error-catalogue.ts';
import { variables } from '../src/core/variables.ts';
import { table } from './markdown-table.ts';
import { benchmarks } from './measured.ts';

/** Path under docs/reference → text. */
export function referencePages(root: string): Record<string, string> {
  return {
    'errors.md': errors(),
    'environment.md': environment(),
    'cli.md': cli(buildProgram()),
    'lambda-behaviours.md': behaviours(join(root, 'test', 'testing')),
    'benchmarks.md': page(
      'Benchmarks',
      'bench/results.json',
      'Every figure of the last run of each benchmark, on two shared cores. Contestants ran in turn within one run: read the ratios, not the milliseconds. Bars were set beforehand.',
      benchmarks(root),
    ),
  };
}

function errors(): string {
  const rows = Object.entries(catalogue).map(([code, { status, meaning, remedy }]) => [
    `\`${code}\``,
    `${status}`,
    meaning,
    remedy,
  ]);
  return page(
    'Errors',
    'src/core/error-catalogue.ts',
    'Every failure that a client or a developer sees has a code. A client gets it as JSON with the status below: 4xx is for the caller to mend, 5xx for us or the deployment.',
    table(['Code', 'Status', 'What it means', 'What to do'], rows),
  );
}

function environment(): string {
  const rows = Object.entries(variables).map(([name, { meaning, default: without }]) => [
    `\`${name}\``,
    meaning,
    without,
  ]);
  return page(
    'Environment variables',
    'src/core/contract.ts',
    'Everything that glowplug reads of its environment. The CDK constructs set what a deployed function needs.',
    table(['Variable', 'What it says', 'Without it'], rows),
  );
}

function cli(program: Command): string {
  const all = [program, ...program.commands.flatMap((command) => [command, ...command.commands])];
  const sections = all.map((command) => {
    const name = nameOf(command);
    return `## ${name}\n\n\`\`\`text\n${help(command).trimEnd()}\n\`\`\``;
  });
  return page(
    'The command line',
    'src/cli',
    '`npx glowplug <command>`, where the package is installed and, after the first `npm start` or `npm test`, in a clone of this repository.',
    sections.join('\n\n'),
  );
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

/** As a terminal of 100 columns without colours shows it, examples included. */
function help(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => 100,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text;
}

function behaviours(folder: string): string {
  const rows = testFiles(folder).flatMap((file) => behavioursOf(file));
  return page(
    'Lambda behaviours that the local cloud keeps',
    'test/testing',
    `Each of these ${rows.length} lines is the name of a test, which runs the local cloud and looks.`,
    table(['Behaviour', 'Where AWS documents it'], rows),
  );
}

function testFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(folder, name));
}

/** The two literals of each call, read without running the tests. */
function behavioursOf(file: string): string[][] {
  const text = readFileSync(file, 'utf8');
  const literal = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\$]|\\.)*`/.source;
  const calls = [...text.matchAll(new RegExp(`^\\s*behaviour\\(\\s*(${literal}),\\s*(${literal})`, 'gm'))];
  const all = [...text.matchAll(/^\s*behaviour\(/gm)].length;
  if (calls.length !== all)
    throw new Error(
      `${file}: expected two string literals in each of ${all} calls of behaviour(), found them in ${calls.length}`,
    );
  return calls.map(([, sentence, source]) => [unquote(sentence), unquote(source)]);
}

function unquote(literal = ''): string {
  return literal.slice(1, -1).replace(/\\(.)/g, '$1');
}

function page(title: string, source: string, about: string, body: string): string {
  return `# ${title}\n\n<!-- Generated from ${source} by npm run docs. Do not edit. -->\n\n${about}\n\n${body}\n`;
}
