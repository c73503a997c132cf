// What optimize and compare found, for people: a table, a picture of size and time, and which variant is best for what.
import pc from 'picocolors';
import { lossOf } from '../core/gate.ts';
import { cheapest, fastest, type Objective, type Outcome, objectives, type Variant } from '../optimize/outcome.ts';
import { plot } from '../optimize/plot.ts';
import { speedUp } from '../optimize/report.ts';
import { fewestToPart } from '../optimize/split-samples.ts';
import { byteSize } from './byte-size.ts';
import { printLine } from './print.ts';
import { printable } from './printable.ts';
import { printTable } from './table.ts';

/** @param tuned samples of which variants were made; 0 where they were given */
export function showOutcome(
  { variants, recommended, skipped, processor }: Outcome,
  objective: Objective | undefined,
  tuned: number,
): void {
  const first = variants[0]!;
  const threads = [...new Set(first.measured.speeds.map((speed) => speed.threads))];
  printTable(
    [
      ['variant', 'size', 'ms', '×', 'start ms', 'peak', '$ / million', 'accuracy'],
      ...variants.map((variant) => [
        variant.name,
        `${byteSize(variant.measured.size)}`,
        `${Number((fastest(variant)?.p50 ?? Number.NaN).toPrecision(3))}`,
        speedUp(first, variant).toFixed(2),
        variant.start.ms.toFixed(0),
        byteSize(variant.measured.peakBytes),
        dollars(variant),
        accuracy(variant),
      ]),
    ],
    [pc.bold],
  );
  printLine();
  for (const line of plot(variants, (letter, { failures }) =>
    failures.length === 0 ? pc.green(letter) : pc.red(letter),
  ))
    printLine(line);
  printLine();
  for (const { name, why } of skipped) printLine(`${pc.yellow('–')} ${name} was not made: ${printable(why, 200)}`);
  for (const { name, failures } of variants)
    if (failures.length > 0) printLine(`${pc.red('✗')} ${name} does not pass: ${failures.join('; ')}`);
  const held = variants.find(({ figures }) => figures)?.figures?.samples;
  if (held !== undefined) printLine(describeHeld(held, tuned));
  printLine(
    pc.dim(
      `measured with ${threads.join(' and ')} threads on ${processor.model} (${processor.architecture}); INT8 differs between processors`,
    ),
  );
  for (const one of objective ? [objective] : objectives) {
    const name = recommended[one];
    const how = variants.find((variant) => variant.name === name)?.how;
    if (name) printLine(`${pc.green('✓')} for ${one}: ${pc.bold(name)}, ${printable(how ?? '', 200)}`);
  }
}

function describeHeld(held: number, tuned: number): string {
  if (held !== tuned)
    return pc.dim(`accuracy on ${held} samples${tuned > 0 ? ` of ${tuned}, which nothing was tuned on` : ''}`);
  return `${pc.yellow('!')} accuracy on the ${held} samples that variants were tuned on, too: give ${fewestToPart} or more, and they are parted`;
}

function dollars(variant: Variant): string {
  const cheap = cheapest(variant);
  return cheap ? `${cheap.perMillion.toFixed(2)} at ${cheap.memoryMb} MB` : '';
}

function accuracy({ figures, failures }: Variant): string {
  if (!figures) return 'reference';
  const { metric, argmax } = figures;
  const mark = failures.length === 0 ? '✓' : '✗';
  if (!metric) return `${mark} argmax ${(100 * argmax).toFixed(2)} %, cosine ${figures.cosine.toFixed(4)}`;
  const loss = 100 * lossOf(metric);
  const worse = `${loss > 0 ? '+' : ''}${loss.toFixed(2)}`.replace('-', '−');
  return `${mark} ${metric.name} ${(100 * metric.value).toFixed(2)} % (${worse} worse)`;
}
