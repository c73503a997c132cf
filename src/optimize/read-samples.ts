// Samples from a disk: a folder of inputs as the model gets them, or a module that makes them as its function would.
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GlowplugError, shorten } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { Signature } from '../core/signature.ts';
import { decodeTensor, parseTensorJson } from '../tensor/json.ts';
import type { Tensor, Tensors } from '../tensor/tensor.ts';
import { readLabels } from './labels.ts';
import type { Metric } from './metric.ts';
import { parseNpy, parseNpz } from './npy.ts';
import type { Sample } from './sample.ts';

export interface Samples {
  readonly samples: readonly Sample[];
  /** That of a module. */
  readonly metric?: Metric;
}

export interface ReadSamplesOptions {
  readonly signature: Signature;
  /** File of labels. @default labels.json or labels.txt of the folder, where there is one */
  readonly labels?: string;
}

/** Samples stay in memory: a thousand tell as much as more would. */
const MOST = 1000;
/** Bytes of all their tensors. */
const MOST_BYTES = 2 ** 31;

const readers = new Map([
  ['.npy', readArray],
  ['.npz', async (path: string) => parseNpz(await readFile(path), basename(path), MOST_BYTES)],
  ['.json', readRequest],
]);

/**
 * A folder holds a file a sample: `.npy` (the one input), `.npz` (inputs by name) or `.json` (a request of the Open Inference
 * Protocol). A module, `.ts` or `.js`, exports `samples`, a function that gives them, and may export `metric`.
 *
 * @throws GlowplugError CONFIG_INVALID, INPUT_TENSOR, INPUT_JSON, INPUT_TOO_LARGE
 */
export async function readSamples(path: string, options: ReadSamplesOptions): Promise<Samples> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() && /^\.[mc]?[jt]s$/.test(extname(path))) return await fromModule(path);
  if (found?.isDirectory()) return { samples: await fromFolder(path, options) };
  throw none(`expected a folder of samples or a module at ${path}, found ${found ? 'something else' : 'nothing'}`);
}

async function fromFolder(folder: string, { signature, labels }: ReadSamplesOptions): Promise<Sample[]> {
  const entries = (await readdir(folder)).sort();
  const files = entries.filter((name) => readers.has(extname(name)) && name !== 'labels.json').slice(0, MOST);
  if (files.length === 0) throw none(`expected samples in ${folder}, found no .npy, .npz or .json`);
  const beside = entries.find((name) => name === 'labels.json' || name === 'labels.txt');
  const labelFile = labels ?? (beside && join(folder, beside));
  const truth = labelFile === undefined ? undefined : await readLabels(labelFile, files);
  let bytes = 0;
  const samples: Sample[] = [];
  for (const [at, name] of files.entries()) {
    const read = readers.get(extname(name))!;
    const feeds = await read(join(folder, name), signature);
    for (const { data } of Object.values(feeds)) bytes += 'byteLength' in data ? data.byteLength : 0;
    if (bytes > MOST_BYTES) throw tooLarge(at);
    samples.push({ name, feeds, ...(truth ? { label: truth[at] } : {}) });
  }
  return samples;
}

async function readArray(path: string, { inputs }: Signature): Promise<Tensors> {
  const names = Object.keys(inputs);
  const [name] = names;
  if (names.length === 1 && name !== undefined) return { [name]: parseNpy(await readFile(path), basename(path)) };
  throw new GlowplugError(
    'CONFIG_INVALID',
    `${basename(path)}: expected the ${names.length} inputs of the model, a .npy has one array`,
    {
      remedy: `Save ${names.map((one) => shorten(one)).join(', ')} by name with numpy.savez.`,
    },
  );
}

async function readRequest(path: string): Promise<Tensors> {
  const value = parseTensorJson(await readFile(path, 'utf8'));
  const inputs = isRecord(value) ? value['inputs'] : undefined;
  if (!Array.isArray(inputs)) {
    throw new GlowplugError(
      'INPUT_JSON',
      `${basename(path)}: expected { "inputs": [{ "name", "shape", "datatype", "data" }] }, got ${shorten(value)}`,
    );
  }
  return Object.fromEntries(
    inputs.map((input: unknown): [string, Tensor] => {
      if (!isRecord(input))
        throw new GlowplugError('INPUT_JSON', `${basename(path)}: expected inputs, got ${shorten(input)}`);
      const name = String(input['name']);
      return [name, decodeTensor(name, input['datatype'], input['shape'], input['data'])];
    }),
  );
}

/** What a module of samples exports. */
interface SampleModule {
  readonly samples?: unknown;
  readonly metric?: unknown;
}

async function fromModule(path: string): Promise<Samples> {
  const { samples: make, metric }: SampleModule = await import(/* @vite-ignore */ pathToFileURL(resolve(path)).href);
  if (typeof make !== 'function') throw none(`expected ${path} to export samples, a function, got ${typeof make}`);
  const samples: Sample[] = [];
  const made: unknown = make();
  if (!isIterable(made)) throw none(`expected samples() of ${path} to give a list, got ${typeof made}`);
  for await (const sample of made) {
    if (!isSample(sample))
      throw none(`expected samples() of ${path} to give { name, feeds, label }, got ${shorten(sample)}`);
    samples.push(sample);
    if (samples.length >= MOST) break;
  }
  if (samples.length === 0) throw none(`expected samples() of ${path} to give some, got none`);
  return { samples, ...(isMetric(metric) ? { metric } : {}) };
}

function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}

function isSample(value: unknown): value is Sample {
  return isRecord(value) && typeof value['name'] === 'string' && isRecord(value['feeds']);
}

function isMetric(value: unknown): value is Metric {
  return isRecord(value) && typeof value['count'] === 'function' && typeof value['value'] === 'function';
}

function none(message: string): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', message, {
    remedy:
      'Give --samples a folder with a .npy, .npz or .json for each input, or a module that exports samples(): docs/guide, “Smaller and faster”.',
  });
}

function tooLarge(count: number): GlowplugError {
  return new GlowplugError(
    'INPUT_TOO_LARGE',
    `expected samples of at most ${MOST_BYTES} bytes together, got more by the ${count + 1}th`,
    {
      remedy: 'Give fewer samples: some hundreds are enough.',
    },
  );
}
