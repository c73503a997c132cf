// What is right for each sample, from a file beside them.
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { GlowplugError, shorten } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { Signature } from '../core/signature.ts';
import { type Metric, macroF1, maskIou, topOne } from './metric.ts';
import type { Sample } from './sample.ts';

/** Those that outputs alone are enough for; CER and WER need a module that knows how outputs are read. */
export const labelMetrics = ['top-1', 'f1', 'iou'] as const;
export type LabelMetric = (typeof labelMetrics)[number];

/** A label for each file: JSON by file name or in order, or a line of text each. @throws GlowplugError CONFIG_INVALID */
export async function readLabels(path: string, files: readonly string[]): Promise<unknown[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw wrong(`expected a file of labels at ${path}, it cannot be read`, cause);
  });
  const labels = extname(path) === '.json' ? fromJson(text, path, files) : text.trimEnd().split(/\r?\n/);
  if (labels.length !== files.length)
    throw wrong(`expected ${files.length} labels in ${path}, one a sample, got ${labels.length}`);
  return labels;
}

function fromJson(text: string, path: string, files: readonly string[]): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw wrong(`expected JSON in ${path}, it is none`, cause);
  }
  if (Array.isArray(value)) return value;
  if (!isRecord(value)) throw wrong(`expected labels in ${path} by file name or in order, got ${shorten(value)}`);
  const byName = value;
  return files.map((file) => {
    if (Object.hasOwn(byName, file)) return byName[file];
    throw wrong(`expected a label of ${shorten(file)} in ${path}, got none`);
  });
}

/** The metric over the model's scores: its first output of floats. */
export function metricFor(
  kind: LabelMetric,
  samples: readonly Sample[],
  signature: Signature,
  classes?: readonly string[],
): Metric {
  const output = Object.entries(signature.outputs).find(([, { datatype }]) => datatype === 'FP32')?.[0];
  if (output === undefined) throw wrong('expected an output of FP32 for the metric, got none');
  if (kind === 'iou') return maskIou(output);
  if (kind === 'f1') return macroF1(output, classes ?? named(samples));
  return topOne(output, classes);
}

/** Labels that are indices, as the names of classes from 0 on. */
function named(samples: readonly Sample[]): string[] {
  const most = Math.max(...samples.map(({ label }) => Number(label)));
  if (Number.isInteger(most) && most >= 0 && most < 10_000) return Array.from({ length: most + 1 }, (_, at) => `${at}`);
  throw wrong('expected labels that are indices of classes, or --classes with their names');
}

function wrong(message: string, cause?: unknown): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', message, { cause, remedy: 'Mend the labels, or leave --labels out.' });
}
