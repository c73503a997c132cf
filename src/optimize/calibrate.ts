// The ranges that values take over samples: the whole range, or what is left of it when the rarest values are cut off.
import { GlowplugError, shorten } from '../core/errors.ts';
import { exposeExtremes, exposeValues } from '../onnx/expose-values.ts';
import { writeModel } from '../onnx/write.ts';
import type { Session } from '../session/session.ts';
import type { Tensor, Tensors } from '../tensor/tensor.ts';
import { addTo, entropyRange, type Histogram, histogramOver, percentileRange } from './histogram.ts';
import { openBytes } from './open-bytes.ts';
import type { Ranges } from './quantize-static.ts';
import { prepareModel } from './recipe.ts';
import type { Sample } from './sample.ts';

export const methods = ['minmax', 'percentile', 'entropy'] as const;
export type CalibrationMethod = (typeof methods)[number];

/**
 * Runs every sample once, and once more where a method looks at how often values come. Memory is that of one sample.
 *
 * @throws GlowplugError INPUT_TENSOR (a sample that does not fit, or makes NaN), CONFIG_INVALID (no samples)
 */
export async function calibrate<M extends CalibrationMethod>(
  bytes: Uint8Array,
  values: readonly string[],
  samples: readonly Sample[],
  by: readonly M[],
  threads: number,
): Promise<Record<M, Ranges>> {
  if (samples.length === 0) {
    throw new GlowplugError('CONFIG_INVALID', 'expected samples to calibrate with, got none', {
      remedy: 'Give --samples a folder of inputs as the model gets them; a hundred are usually enough.',
    });
  }
  const extremes = await extremesOf(bytes, values, samples, threads);
  const histograms = by.every((method) => method === 'minmax')
    ? {}
    : await histogramsOf(bytes, extremes, samples, threads);
  // Of each method that was asked for, and of no other.
  return Object.fromEntries(by.map((method) => [method, cut[method](extremes, histograms)])) as Record<M, Ranges>;
}

const cut: Record<CalibrationMethod, (extremes: Ranges, histograms: Histograms) => Ranges> = {
  minmax: (extremes) => extremes,
  percentile: (_, histograms) => mapValues(histograms, percentileRange),
  entropy: (_, histograms) => mapValues(histograms, entropyRange),
};

type Histograms = Readonly<Record<string, Histogram>>;

function mapValues<A, B>(record: Readonly<Record<string, A>>, make: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, make(value)]));
}

async function extremesOf(
  bytes: Uint8Array,
  values: readonly string[],
  samples: readonly Sample[],
  threads: number,
): Promise<Ranges> {
  const model = prepareModel(bytes);
  exposeExtremes(model, values);
  await using session = await openBytes(writeModel(model), threads);
  const ranges = new Map<string, [number, number]>();
  for (const sample of samples) {
    const found = await runSample(session, sample);
    for (const value of values) {
      const [min, max] = [scalar(found, `${value}/min`), scalar(found, `${value}/max`)];
      if (!Number.isFinite(min) || !Number.isFinite(max)) throw notFinite(sample, value);
      const range = ranges.get(value);
      if (range) ranges.set(value, [Math.min(range[0], min), Math.max(range[1], max)]);
      else ranges.set(value, [min, max]);
    }
  }
  return Object.fromEntries(ranges);
}

async function histogramsOf(
  bytes: Uint8Array,
  extremes: Ranges,
  samples: readonly Sample[],
  threads: number,
): Promise<Histograms> {
  const model = prepareModel(bytes);
  exposeValues(model, Object.keys(extremes));
  await using session = await openBytes(writeModel(model), threads);
  const histograms: Histograms = mapValues(extremes, histogramOver);
  for (const sample of samples) {
    const found = await runSample(session, sample);
    for (const [value, histogram] of Object.entries(histograms)) {
      const tensor = found[value];
      if (tensor?.datatype === 'FP32') addTo(histogram, tensor.data);
    }
  }
  return histograms;
}

/** Samples that ranges and figures come from: no range holds NaN. @throws GlowplugError INPUT_TENSOR, SESSION_FAILED */
export async function runSample(session: Session, { name, feeds }: Sample): Promise<Tensors> {
  for (const [input, tensor] of Object.entries(feeds)) {
    if (hasNaN(tensor)) {
      throw new GlowplugError(
        'INPUT_TENSOR',
        `sample ${shorten(name)}: expected numbers in ${shorten(input)}, got NaN or infinity`,
        {
          remedy: 'Take the sample out, or mend what made it.',
        },
      );
    }
  }
  return await answerOf(session, { name, feeds });
}

/** The sample's name belongs to what is wrong with it. @throws GlowplugError INPUT_TENSOR, SESSION_FAILED */
export async function answerOf(session: Session, { name, feeds }: Sample): Promise<Tensors> {
  try {
    return await session.run(feeds);
  } catch (cause) {
    if (!(cause instanceof GlowplugError)) throw cause;
    throw new GlowplugError(cause.code, `sample ${shorten(name)}: ${cause.message}`, {
      cause,
      remedy: 'Compare the sample with the signature of the model: glowplug inspect.',
    });
  }
}

function hasNaN({ datatype, data }: Tensor): boolean {
  if (datatype !== 'FP32' && datatype !== 'FP64') return false;
  for (let at = 0; at < data.length; at++) if (!Number.isFinite(data[at])) return true;
  return false;
}

function scalar(tensors: Tensors, name: string): number {
  return Number(tensors[name]?.data[0]);
}

function notFinite({ name }: Sample, value: string): GlowplugError {
  return new GlowplugError(
    'INPUT_TENSOR',
    `sample ${shorten(name)}: expected numbers, the model makes NaN or infinity at ${shorten(value)}`,
    {
      remedy: 'Take the sample out, or mend the model: a range that was spoiled once would spoil the variant.',
    },
  );
}
