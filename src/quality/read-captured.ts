// Captured records and labels of a window, out of the store they were written to, within limits.
import { GlowplugError } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { Store } from '../models/stores/store.ts';
import type { Label } from './accuracy.ts';
import type { CapturedRecord, Feature } from './record.ts';

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

/** `captured`: how many there are; of more than 5,000 every so-manyth is read. What is no record is skipped and counted. */
export async function readCaptured(
  store: Store,
  name: string,
  { from, to }: Window,
): Promise<{ readonly records: CapturedRecord[]; readonly captured: number; readonly unreadable: number }> {
  const keys: string[] = [];
  for (let hour = Math.floor(from.getTime() / hourMs); hour <= Math.floor(to.getTime() / hourMs); hour++) {
    const [day, time = ''] = new Date(hour * hourMs).toISOString().split('T');
    for await (const key of store.list(`captured/${name}/${day}/${time.slice(0, 2)}/`)) keys.push(key);
  }
  const step = Math.max(1, keys.length / mostRecords);
  const chosen = Array.from({ length: Math.min(keys.length, mostRecords) }, (_, at) => keys[Math.floor(at * step)]!);
  const texts = await readAll(store, chosen, mostBytes);
  const records = texts.flatMap((text) => asRecord(text) ?? []);
  return { records, captured: keys.length, unreadable: chosen.length - records.length };
}

/** Every label that was handed in for the function; lines that are none are skipped and counted. */
export async function readLabels(
  store: Store,
  name: string,
): Promise<{ readonly labels: Label[]; readonly unreadable: number }> {
  const keys: string[] = [];
  for await (const key of store.list(`truth/${name}/`)) keys.push(key);
  const lines = (await readAll(store, keys, mostLabelBytes)).flatMap((text) =>
    text.split('\n').filter((line) => line.trim() !== ''),
  );
  const labels = lines.flatMap((line) => asLabel(line) ?? []);
  return { labels, unreadable: lines.length - labels.length };
}

/** @throws GlowplugError CONFIG_INVALID for the first line that is no label */
export function checkLabels(text: string): number {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const wrong = lines.findIndex((line) => asLabel(line) === undefined);
  if (wrong < 0 && lines.length > 0) return lines.length;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected a label in line ${wrong + 1}, got ${(lines[wrong] ?? 'nothing').slice(0, 100)}`,
    {
      remedy: 'Each line is JSON: {"requestId": "…", "label": "…"}; the label is a text, a number or a boolean.',
    },
  );
}

async function readAll(store: Store, keys: readonly string[], most: number): Promise<string[]> {
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
  return await new Response(found.body).text();
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
