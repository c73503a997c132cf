// What every reader of the protocol's JSON says of what it cannot take.
import { GlowplugError, shorten } from '../core/errors.ts';

export function malformed(expected: string, got: unknown): GlowplugError {
  return new GlowplugError('INPUT_TENSOR', `expected ${expected}, got ${shorten(got)}`);
}
