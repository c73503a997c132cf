// The sample request and the golden answer that lie beside each function, and whether an answer is the golden one.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { bodyValue } from '../core/body-value.ts';
import { contentTypeOf } from '../core/content-type.ts';
import { GlowplugError, shorten } from '../core/errors.ts';

export interface Sample {
  /** The function's name: its folder. */
  readonly name: string;
  /** Path of the request's body. */
  readonly file: string;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** undefined where no answer.golden.json lies beside the request. */
  readonly golden: Golden | undefined;
}

export interface Golden {
  readonly status: number;
  /** Numbers may differ by this much, absolutely up to 1 and relatively beyond: CPUs round differently. */
  readonly tolerance: number;
  readonly body: unknown;
}

/** The samples of the functions under `functions/`, in order of their names. */
export function readSamples(root: string): Sample[] {
  const folder = join(root, 'functions');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? entry.name : []))
    .sort()
    .flatMap((name) => readSample(join(folder, name), name) ?? []);
}

/** The sample in one function's folder; undefined when it holds no `request.*`. */
export function readSample(folder: string, name: string): Sample | undefined {
  if (!existsSync(folder)) return undefined;
  const request = readdirSync(folder).find((file) => /^request\.\w+$/.test(file));
  if (!request) return undefined;
  const contentType = contentTypeOf(extname(request));
  const file = join(folder, request);
  return {
    name,
    file,
    contentType,
    body: new Uint8Array(readFileSync(file)),
    golden: readGolden(join(folder, 'answer.golden.json')),
  };
}

/** An answer as golden answers have it: what JSON, JSON lines and server-sent events hold, other text as it is, bytes as their digest. */
export function answerBody(contentType: string, bytes: Uint8Array): unknown {
  if (/^text\/|json/i.test(contentType)) return bodyValue(contentType, new TextDecoder().decode(bytes));
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Where `actual` is not the golden answer, the first place in words; undefined when it is. */
export function difference(golden: unknown, actual: unknown, tolerance: number, path = 'body'): string | undefined {
  if (typeof golden === 'number' && typeof actual === 'number') {
    const close = Math.abs(golden - actual) <= tolerance * Math.max(1, Math.abs(golden));
    return close ? undefined : `${path}: expected ${golden} ± ${tolerance}, got ${actual}`;
  }
  if (!isTree(golden) || !isTree(actual) || Array.isArray(golden) !== Array.isArray(actual)) {
    return golden === actual ? undefined : `${path}: expected ${shorten(golden)}, got ${shorten(actual)}`;
  }
  const names = [...new Set([...Object.keys(golden), ...Object.keys(actual)])];
  for (const name of names) {
    const found = difference(golden[name], actual[name], tolerance, `${path}.${name}`);
    if (found) return found;
  }
  return undefined;
}

function readGolden(path: string): Golden | undefined {
  if (!existsSync(path)) return undefined;
  const golden = parseGolden(path);
  const { status, tolerance, body } = isTree(golden) ? golden : {};
  if (typeof status === 'number' && typeof tolerance === 'number' && body !== undefined) {
    return { status, tolerance, body };
  }
  const lacking = Object.entries({ status, tolerance, body }).flatMap(([name, value]) =>
    value === undefined ? name : [],
  );
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected { status, tolerance, body } in ${path}, got ${lacking.length > 0 ? `no ${lacking.join(' and no ')}` : shorten(golden)}`,
    {
      remedy:
        'Write { "status": 200, "tolerance": 0.001, "body": … }: numbers of the body may differ by the tolerance.',
    },
  );
}

function parseGolden(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected JSON in ${path}: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
        remedy: 'Mend it, or delete it and hold the answer against nothing.',
      },
    );
  }
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
