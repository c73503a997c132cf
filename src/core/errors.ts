// An error with a code, and values as a message may show them.
import { catalogue, type ErrorCode } from './error-catalogue.ts';

const brand = Symbol.for('glowplug.error');

/**
 * An error with a code of the catalogue. The message says what was expected and what came, never a payload or a
 * credential; the remedy of the code may be replaced by one that knows more.
 *
 * @example
 * throw new GlowplugError('INPUT_TENSOR', 'expected input "x" of shape [1,4], got [1,3]');
 */
export class GlowplugError extends Error {
  override readonly name = 'GlowplugError';
  readonly [brand] = true;
  readonly code: ErrorCode;
  readonly status: number;
  readonly remedy: string;
  /** HTTP headers that go with the answer: `allow`, `retry-after`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; remedy?: string; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.status = catalogue[code].status;
    this.remedy = options.remedy ?? catalogue[code].remedy;
    this.headers = options.headers ?? {};
  }

  /** A function's bundle carries its own copy of this class; to its host an error of that copy is one all the same. */
  static override [Symbol.hasInstance](value: unknown): value is GlowplugError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** A value as an error message may show it: its kind and its start, never all of it. */
export function shorten(value: unknown, limit = 60): string {
  if (Array.isArray(value) && value.length > limit / 2) return `an array of ${value.length}`;
  const text =
    JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? `${inner}` : inner)) ?? String(value);
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length} characters)`;
}
