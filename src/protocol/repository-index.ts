// The repository index: which models there are, and whether a request to each would be answered.
import { readText } from '../core/body.ts';
import { catalogue } from '../core/error-catalogue.ts';
import { GlowplugError } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { HttpRequest } from '../core/light-http.ts';
import { parseTensorJson } from '../tensor/json.ts';
import { malformed } from './malformed.ts';

export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: 'READY' | 'UNAVAILABLE';
  readonly reason: string;
}

/** @param load what makes the model ready, or throws why it is not */
export async function indexEntry(name: string, version: string, load: () => Promise<void>): Promise<IndexEntry> {
  try {
    await load();
    return { name, version, state: 'READY', reason: '' };
  } catch (error) {
    // Of our own faults only the kind, as in every answer.
    const code = error instanceof GlowplugError ? error.code : 'INTERNAL';
    return { name, version, state: 'UNAVAILABLE', reason: catalogue[code].meaning };
  }
}

/** Of a model that its first request opens: looking does not. */
export function loadedEntry(name: string, version: string, loaded: boolean): IndexEntry {
  if (loaded) return { name, version, state: 'READY', reason: '' };
  return {
    name,
    version,
    state: 'UNAVAILABLE',
    reason: 'not loaded: a request to it loads it, unless it was unloaded',
  };
}

/**
 * The body of a load or an unload, which may be none.
 *
 * @throws GlowplugError INPUT_JSON, INPUT_TENSOR for a configuration or files, which would be another model
 */
export async function readControlRequest(request: HttpRequest): Promise<void> {
  const text = await readOptional(request);
  const body = text === undefined ? {} : parseTensorJson(text);
  const parameters = isRecord(body) ? (body['parameters'] ?? {}) : undefined;
  if (!isRecord(parameters)) throw malformed('{ "parameters": { … } }', body);
  const given = Object.keys(parameters).find((name) => name === 'config' || name.startsWith('file:'));
  if (given !== undefined) throw malformed('no configuration and no files: a version is what was published', given);
}

/**
 * Whether the request asks for the ready ones only. It may have no body.
 *
 * @throws GlowplugError INPUT_JSON, INPUT_TENSOR
 */
export async function readIndexRequest(request: HttpRequest): Promise<{ readyOnly: boolean }> {
  const text = await readOptional(request);
  if (text === undefined) return { readyOnly: false };
  const body = parseTensorJson(text);
  const ready = isRecord(body) ? body['ready'] : body;
  if (ready !== undefined && typeof ready !== 'boolean') throw malformed('{ "ready": true or false }', body);
  return { readyOnly: ready ?? false };
}

async function readOptional(request: HttpRequest): Promise<string | undefined> {
  try {
    return await readText(request);
  } catch (error) {
    if (error instanceof GlowplugError && error.code === 'INPUT_EMPTY') return undefined;
    throw error;
  }
}
