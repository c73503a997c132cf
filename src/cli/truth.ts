// glowplug truth: hands in what was true of requests that were answered.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { checkLabels, labelsRemedy } from '../quality/read-captured.ts';
import { functionNamed } from './function-names.ts';
import { type KeptOption, keptOption, keptStore } from './kept.ts';
import { mustBeFile } from './must-be-file.ts';
import { command, printJson, printLine } from './print.ts';

interface Options extends KeptOption {
  readonly json?: boolean;
}

export function truthCommand(): Command {
  return keptOption(
    new Command('truth')
      .description(
        'Hand in labels of requests by their ids; glowplug quality and the monitor hold the answers against them.',
      )
      .argument('<function>', 'a folder of functions/')
      .argument('<file>', 'JSON lines: {"requestId": "…", "label": "…"}'),
  )
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      '\nThe id of a request is in its answer: x-request-id.\n\nExamples:\n  glowplug truth spam labels.jsonl --kept s3://my-bucket',
    )
    .action(command(truth));
}

async function truth(name: string, file: string, options: Options): Promise<void> {
  // Labels of a function that is not there would never be looked at.
  functionNamed(process.cwd(), name);
  await mustBeFile(file, labelsRemedy);
  const text = await readFile(file, 'utf8');
  const labels = checkLabels(text);
  const store = await keptStore(name, options);
  const day = new Date().toISOString().slice(0, 10);
  const key = `truth/${name}/${day}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.jsonl`;
  const isNew = await store.put(key, Buffer.from(text), { ifNoneMatch: '*' }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof GlowplugError && error.code === 'STORE_CONFLICT') return false;
      throw error;
    },
  );
  if (options.json) printJson({ key, labels, new: isNew });
  else
    printLine(`${pc.green('✓')} ${labels} labels ${isNew ? 'handed in' : 'had been handed in today'}  ${pc.dim(key)}`);
}
