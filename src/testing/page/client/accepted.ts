// What a function takes, by what it declares: which files can be its request, and a request to begin with.
import type { PageInput } from '../page-data.ts';

interface File {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

/** Why a file cannot be the request, in words; undefined when it can, and when the function declares nothing. */
export function refusal(input: PageInput | undefined, { name, type, size }: File): string | undefined {
  if (!input) return undefined;
  const { contentTypes, limits } = input.accepts;
  const { maxBytes = Number.POSITIVE_INFINITY } = limits;
  if (!typesOf(input).some((each) => sameType(each, type))) {
    return `${name} is ${type || 'of an unknown type'}; the function takes ${listed(contentTypes)}.`;
  }
  if (size > maxBytes) return `${name} has ${megabytes(size)}; the function takes at most ${megabytes(maxBytes)}.`;
  return undefined;
}

/** For a file input: what the browser offers. */
export function filter(input: PageInput | undefined): string {
  return input ? typesOf(input).join(',') : '';
}

/** In words: types, and the limits that are the function's own. */
export function described({ accepts: { contentTypes, limits } }: PageInput): string {
  const most = Object.entries(limits).map(([name, value]) => {
    if (name === 'maxBytes') return megabytes(value);
    // maxPixels → pixels
    return `${value.toLocaleString('en')} ${name.replace(/^max/, '').toLowerCase()}`;
  });
  return `Takes ${listed(contentTypes)}${most.length > 0 ? `; at most ${most.join(', ')}` : ''}.`;
}

/** Where no sample lies beside the function; undefined where only a file will do. */
export function firstDraft({
  kind,
  accepts: { jsonField },
}: PageInput): { readonly contentType: string; readonly body: string } | undefined {
  const json = (value: unknown) => ({ contentType: 'application/json', body: JSON.stringify(value, null, 2) });
  if (jsonField?.as === 'text') return { contentType: 'text/plain', body: '' };
  if (jsonField?.as === 'texts') return json({ [jsonField.name]: [''] });
  if (kind === 'tensors') return json({ inputs: [{ name: '', shape: [1, 1], datatype: 'FP32', data: [0] }] });
  return kind === 'json' ? json({}) : undefined;
}

function typesOf({ accepts: { contentTypes, jsonField } }: PageInput): readonly string[] {
  return jsonField ? [...new Set([...contentTypes, 'application/json'])] : contentTypes;
}

/** Systems have several names for a WAV file; other bytes have none. */
function sameType(taken: string, given: string): boolean {
  const plain = (type: string) => (type.toLowerCase().split(';', 1)[0] ?? '').replace(/\/(x-|vnd\.)?wave?$/, '/wav');
  return plain(taken) === (plain(given) || 'application/octet-stream');
}

function listed(words: readonly string[]): string {
  return words.join(', ').replace(/, ([^,]*)$/, ' or $1');
}

/** As AWS counts them. */
function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toLocaleString('en', { maximumFractionDigits: 1 })} MB`;
}
