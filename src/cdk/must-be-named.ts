// A function that answers below its name, behind an API or a load balancer.
import { GlowplugError } from '../core/errors.ts';
import type { InferenceFunction } from './inference-function.ts';

/** @throws GlowplugError CONFIG_INVALID for a name that no path has, and for a function that streams */
export function mustBeNamed(functions: Readonly<Record<string, InferenceFunction>>, host: string): void {
  for (const [name, { streaming }] of Object.entries(functions)) {
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
      const expected = 'lower-case letters, digits and hyphens';
      throw new GlowplugError(
        'CONFIG_INVALID',
        `expected a function's name behind ${host} to be ${expected}, got ${name}`,
      );
    }
    if (!streaming) continue;
    throw new GlowplugError('CONFIG_INVALID', `expected functions that answer whole, got ${name}, which streams`, {
      remedy: `${host} does not stream: call the function at its URL, or leave out \`streaming\`.`,
    });
  }
}
