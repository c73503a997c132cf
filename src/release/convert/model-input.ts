// An input as `--input` names it: x:float32[N,3,48,W=160].
import { GlowplugError, shorten } from '../../core/errors.ts';

export interface ModelInput {
  readonly name: string;
  /** As NumPy calls it. */
  readonly type: string;
  /** Name of a free dimension, or null, with the length that the export is traced with. */
  readonly dims: readonly (readonly [name: string | null, length: number])[];
}

const types = ['float32', 'float64', 'float16', 'int64', 'int32', 'int8', 'uint8', 'bool'];
/** Not 1: a tracer takes that for a fixed length. */
const LENGTH = 2;

/**
 * @throws GlowplugError CONFIG_INVALID
 * @example
 * parseModelInput('x:float32[N,3,W=64]').dims; // [['N', 2], [null, 3], ['W', 64]]
 */
export function parseModelInput(text: string): ModelInput {
  const [, name, type, inner] = /^([\w.:/-]+?):(\w+)\[([^\]]*)\]$/.exec(text) ?? [];
  if (!name || !type || inner === undefined || !types.includes(type)) throw wrong(text);
  const parts = inner.split(',').map((part) => part.trim());
  const dims = inner.trim() === '' ? [] : parts.map((part) => dimension(part) ?? fail(text));
  return { name, type, dims };
}

function dimension(part: string): readonly [string | null, number] | undefined {
  if (/^[1-9]\d{0,8}$/.test(part)) return [null, Number(part)];
  const [, name, length] = /^([A-Za-z_]\w*)(?:=([1-9]\d{0,8}))?$/.exec(part) ?? [];
  return name ? [name, length ? Number(length) : LENGTH] : undefined;
}

function fail(text: string): never {
  throw wrong(text);
}

function wrong(text: string): GlowplugError {
  return new GlowplugError(
    'CONFIG_INVALID',
    `expected an input such as x:float32[N,3,48,W=160], got ${shorten(text)}`,
    {
      remedy: `Give the name, the type (${types.join(', ')}), and each length or the name of a free one.`,
    },
  );
}
