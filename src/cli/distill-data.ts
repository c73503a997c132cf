// glowplug distill-data: the answers of a teacher, for a student that is trained elsewhere.
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { readModelFile } from '../onnx/read-model-file.ts';
import { distillData } from '../optimize/distill-data.ts';
import { readSamples } from '../optimize/read-samples.ts';
import { createOrtSession } from '../session/ort.ts';
import { byteSize } from './byte-size.ts';
import { checkOutputFolder } from './check-output.ts';
import { command, printJson, printLine } from './print.ts';

interface Options {
  readonly samples: string;
  readonly out: string;
  readonly json?: boolean;
}

export function distillDataCommand(): Command {
  return new Command('distill-data')
    .description('Write what a model answers to samples, as NumPy files that a smaller one is trained on.')
    .argument('<teacher>', 'path of an .onnx file')
    .requiredOption('--samples <path>', 'folder of .npy, .npz or .json inputs, or a module that exports samples()')
    .requiredOption('--out <folder>', 'where the .npz files go')
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      "\nEach sample becomes one .npz: numpy.load gives its inputs as 'in.<name>' and the teacher's outputs as 'out.<name>'.\n\nExamples:\n  glowplug distill-data teacher.onnx --samples data/ --out lessons/\n  glowplug distill-data rec.onnx --samples models/ppocr-rec/samples.ts --out lessons/ --json",
    )
    .action(command(run));
}

async function run(path: string, { samples: from, out, json }: Options): Promise<void> {
  await checkOutputFolder(out, '--out');
  const [place, source] = await Promise.all([out, from].map((at) => realpath(at).catch(() => undefined)));
  if (place !== undefined && place === source) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected another folder for --out than that of the samples, got ${out}`,
      {
        remedy: 'Name a folder of its own: what is written would be read as samples the next time.',
      },
    );
  }
  await readModelFile(path);
  await using teacher = await createOrtSession(path, { threads: 1 });
  const { samples } = await readSamples(from, { signature: teacher.signature });
  await mkdir(out, { recursive: true });
  let [files, bytes] = [0, 0];
  for await (const lesson of distillData(teacher, samples)) {
    await writeFile(join(out, lesson.file), lesson.bytes);
    files++;
    bytes += lesson.bytes.length;
  }
  if (json) printJson({ folder: out, files, bytes });
  else printLine(`${pc.green('wrote')}  ${files} samples with their answers to ${out}, ${byteSize(bytes)}`);
}
