// Captured records and labels of a window, out of the store they were written to, within limits.
import { GlowplugError } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import { readAll } from '../models/read-all.ts';
import type { Store } from '../models/stores/store.ts';
import type { Label } from './accuracy.ts';
import { type CapturedRecord, type Feature, fileOf } from './record.ts';

export interface Window {
  /** The first hour that counts. */
  readonly from: Date;
  /** The last hour that counts. */
  readonly to: Date;
}

const mostRecords = 5000;
const mostBytes = 64 * 1024;
const mostLabelBytes = 16 * 1024 * 1024;
const atOnce = 16;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** `captured`: how many there are; of more than 5,000 every so-manyth is read. What is no record is skipped and counted. */
export async function readCaptured(
  store: Store,
  name: string,
  { from, to }: Window,
): Promise<{ readonly records: CapturedRecord[]; readonly captured: number; readonly unreadable: number }> {
  let [keys, captured, every]: [string[], number, number] = [[], 0, 1];
  for (let hour = Math.floor(from.getTime() / hourMs); hour <= Math.floor(to.getTime() / hourMs); hour++) {
    const [day, time = ''] = new Date(hour * hourMs).toISOString().split('T');
    for await (const key of store.list(`captured/${name}/${day}/${time.slice(0, 2)}/`)) {
      if (captured++ % every === 0) keys.push(key);
      if (keys.length < 2 * mostRecords) continue;
      // A day may hold a million: of what would be too many, every other goes.
      keys = keys.filter((_, at) => at % 2 === 0);
      every *= 2;
    }
  }
  const step = Math.max(1, keys.length / mostRecords);
  const chosen = Array.from({ length: Math.min(keys.length, mostRecords) }, (_, at) => keys[Math.floor(at * step)]!);
  const texts = await readTexts(store, chosen, mostBytes);
  const records = texts.flatMap((text) => asRecord(text) ?? []);
  return { records, captured, unreadable: chosen.length - records.length };
}

/** The records of these requests: as many as labels came for, at most 5,000, whenever in the window they were answered. */
export async function readLabelled(
  store: Store,
  name: string,
  labels: readonly Label[],
  { from, to }: Window,
): Promise<CapturedRecord[]> {
  const wanted = new Set(labels.map(({ requestId }) => fileOf(requestId)));
  const keys: string[] = [];
  if (wanted.size === 0) return [];
  for (let day = Math.floor(to.getTime() / dayMs); day >= Math.floor(from.getTime() / dayMs); day--) {
    for await (const key of store.list(`captured/${name}/${new Date(day * dayMs).toISOString().slice(0, 10)}/`)) {
      if (keys.length < mostRecords && wanted.has(key.slice(key.lastIndexOf('/') + 1))) keys.push(key);
    }
  }
  return (await readTexts(store, keys, mostBytes)).flatMap((text) => asRecord(text) ?? []);
}

/** Labels that were handed in for the function, the newest 16 MB; lines that are none are skipped and counted. */
export async function readLabels(
  store: Store,
  name: string,
): Promise<{ readonly labels: Label[]; readonly unreadable: number }> {
  const keys: string[] = [];
  for await (const key of store.list(`truth/${name}/`)) keys.push(key);
  const lines: string[] = [];
  let left = mostLabelBytes;
  for (const key of keys.reverse()) {
    const text = await readText(store, key, left);
    left -= text.length;
    for (const line of text.split('\n')) if (line.trim() !== '') lines.push(line);
  }
  const labels = lines.flatMap((line) => asLabel(line) ?? []);
  return { labels, unreadable: lines.length - labels.length };
}

/** @throws GlowplugError CONFIG_INVALID for the first line that is no label */
export function checkLabels(text: string): number {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) throw noLabels('lines with labels, got none');
  const wrong = lines.findIndex((line) => asLabel(line) === undefined);
  if (wrong >= 0) throw noLabels(`a label in line ${wrong + 1}, got ${lines[wrong]?.slice(0, 100)}`);
  return lines.length;
}

export const labelsRemedy =
  'Give a file whose lines are JSON: {"requestId": "…", "label": "…"}; the label is a text, a number or a boolean.';

function noLabels(what: string): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', `expected ${what}`, { remedy: labelsRemedy });
}

async function readTexts(store: Store, keys: readonly string[], most: number): Promise<string[]> {
  const texts: string[] = [];
  for (let at = 0; at < keys.length; at += atOnce) {
    texts.push(...(await Promise.all(keys.slice(at, at + atOnce).map((key) => readText(store, key, most)))));
  }
  return texts;
}

/** What is too large is as what is not there. */
async function readText(store: Store, key: string, most: number): Promise<string> {
  const found = await store.get(key);
  if (!found) return '';
  if (found.size > most) {
    await found.body.cancel();
    return '';
  }
  return new TextDecoder().decode(await readAll(found.body, most, key));
}

function asRecord(text: string): CapturedRecord | undefined {
  const value = parsed(text);
  if (!isRecord(value) || typeof value['requestId'] !== 'string' || typeof value['at'] !== 'string') return undefined;
  const { features } = value;
  if (!isRecord(features) || !Object.values(features).every(isFeature)) return undefined;
  return value as unknown as CapturedRecord;
}

function asLabel(text: string): Label | undefined {
  const value = parsed(text);
  if (!isRecord(value) || typeof value['requestId'] !== 'string' || !isFeature(value['label'])) return undefined;
  return { requestId: value['requestId'], label: value['label'] };
}

function isFeature(value: unknown): value is Feature {
  return (
    typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
