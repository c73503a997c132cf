// Everything a unit needs before its first request, or why it cannot be had.
import { catalogue, type ErrorCode } from '../core/error-catalogue.ts';
import { GlowplugError } from '../core/errors.ts';
import type { Unit } from './units.ts';

/** @throws GlowplugError with the code that the unit's own readiness answers with */
export async function warmUp({ name, onDemand, handler }: Unit): Promise<void> {
  // What warming fails with is logged where it fails: a caller learns the code alone.
  await handler.warm();
  if (onDemand) return;
  const request = new Request('http://localhost/v2/health/ready');
  const response = await handler.fetch(request, { signal: new AbortController().signal, requestId: 'warm' });
  if (response.ok) return;
  const body: unknown = await response.json().catch(() => undefined);
  const code = Object.getOwnPropertyDescriptor(Object(body), 'code')?.value;
  throw new GlowplugError(isCode(code) ? code : 'MODEL_UNAVAILABLE', `${name} is not ready: its log says why`);
}

function isCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(catalogue, value);
}
