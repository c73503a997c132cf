// Reads a model with the weights that it keeps in files beside it.
import { open, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { type TensorProto, TensorProto_DataLocation } from 'onnx-buf';
import { GlowplugError, shorten } from '../core/errors.ts';
import { limits } from './limits.ts';
import { weightsOf } from './nodes.ts';
import { type OnnxModel, readModel } from './read.ts';

/** Weights come into memory whole: more than this is for a machine that is asked for by name. */
const LARGEST = 2 ** 34;

/**
 * The model at `path`, external weights included. A location that leads out of the model's folder, by itself or over a
 * link, is refused, and so is one that asks for more than its file holds.
 *
 * @throws GlowplugError CONFIG_INVALID (no such file), MODEL_INVALID
 * @example
 * const model = await readModelFile('models/llm/model.onnx');
 */
export async function readModelFile(path: string): Promise<OnnxModel> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) {
    throw new GlowplugError('CONFIG_INVALID', `expected a model at ${path}, found ${found ? 'no file' : 'nothing'}`, {
      remedy: 'Give the path of an .onnx file.',
    });
  }
  if (found.size > limits.bytes) throw invalid(`expected at most ${limits.bytes} bytes, got ${found.size}`);
  const model = readModel(await readFile(path));
  await bringIn(model, dirname(path));
  return model;
}

async function bringIn(model: OnnxModel, folder: string): Promise<void> {
  const paths = new Map<string, string>();
  let total = 0;
  for (const tensor of weightsOf(model)) {
    if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) continue;
    const place = placeOf(tensor);
    let path = paths.get(place.location);
    if (path === undefined) {
      path = await inside(folder, place.location);
      paths.set(place.location, path);
    }
    const { size } = await stat(path);
    const length = place.length ?? size - place.offset;
    if (length < 0 || place.offset + length > size) {
      throw invalid(
        `${shorten(tensor.name)}: expected ${length} bytes at ${place.offset} of ${shorten(place.location)}, which has ${size}`,
      );
    }
    total += length;
    if (total > LARGEST) throw invalid(`expected at most ${LARGEST} bytes of weights, got more`);
    tensor.rawData = await readPart(path, place.offset, length);
    tensor.dataLocation = TensorProto_DataLocation.DEFAULT;
    tensor.externalData = [];
  }
}

interface Place {
  readonly location: string;
  readonly offset: number;
  /** Undefined: to the end. */
  readonly length: number | undefined;
}

function placeOf({ name, externalData }: TensorProto): Place {
  const entries = new Map(externalData.map(({ key, value }) => [key, value]));
  const whole = (key: string) => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value)) return value;
    throw invalid(`${shorten(name)}: expected ${key} to be a count of bytes, got ${shorten(text)}`);
  };
  const location = entries.get('location');
  if (!location) throw invalid(`${shorten(name)}: expected the location of its bytes, got none`);
  return { location, offset: whole('offset') ?? 0, length: whole('length') };
}

async function inside(folder: string, location: string): Promise<string> {
  const parts = location.split(/[/\\]/);
  if (isAbsolute(location) || /^[A-Za-z]:/.test(location) || parts.includes('..') || location.includes('\0')) {
    throw invalid(`expected weights inside the model's folder, got ${shorten(location)}`);
  }
  const path = await realpath(join(folder, location)).catch(() => undefined);
  if (path === undefined) throw invalid(`expected weights at ${shorten(location)} beside the model, found nothing`);
  const way = relative(await realpath(folder), path);
  if (way.split(sep)[0] === '..' || isAbsolute(way)) {
    throw invalid(`expected weights inside the model's folder, got ${shorten(location)}, a link out of it`);
  }
  if (!(await stat(path)).isFile()) throw invalid(`expected weights at ${shorten(location)}, found no file`);
  return path;
}

async function readPart(path: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const file = await open(path);
  try {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw invalid(`expected ${length} bytes of weights at ${offset}, got ${done}`);
      done += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

function invalid(message: string): GlowplugError {
  return new GlowplugError('MODEL_INVALID', message);
}
