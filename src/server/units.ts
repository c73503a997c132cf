// What a server serves, and which of it a path means.
import { GlowplugError, shorten } from '../core/errors.ts';

/** A function, or models without code: what inference() makes is one. */
export interface Unit {
  /** The function's folder; `models` for models without code. */
  readonly name: string;
  /** Names of the models that it serves by itself under /v2; a function's own models are the function's matter. */
  readonly models: readonly string[];
  /** Its models are opened by their first request: readiness does not wait for them. */
  readonly onDemand?: boolean;
  readonly handler: {
    fetch(request: Request, options: { signal: AbortSignal; requestId: string }): Promise<Response>;
    warm(): Promise<void>;
    /** Absent in bundles of an earlier edition. */
    written?(): Promise<void>;
  };
}

export interface Target {
  readonly unit: Unit;
  /** As the unit sees it. */
  readonly path: string;
}

/**
 * One function is at `/`, as its own URL is on Lambda; several, or one beside models, at `/<name>/`. Models without code are at `/v2`.
 *
 * @throws GlowplugError NOT_FOUND
 */
export function findTarget(units: readonly Unit[], path: string): Target {
  const [only] = units;
  if (only && units.length === 1) return { unit: only, path };
  const [, name = '', rest = '/'] = /^\/([^/?]*)(\/.*)?$/.exec(path) ?? [];
  const model = /^\/v2\/models\/([^/?]+)/.exec(path)?.[1];
  const coded = units.find((unit) => unit.models.length === 0 && unit.name === name);
  if (coded) return { unit: coded, path: rest };
  const codeless = units.filter(({ models }) => models.length > 0);
  const unit = codeless.find(({ models }) => model !== undefined && models.includes(decode(model))) ?? codeless[0];
  if (unit && (name === 'v2' || codeless.length === units.length)) return { unit, path };
  const places = units.map((one) => (one.models.length > 0 ? '/v2' : `/${one.name}/`));
  throw new GlowplugError(
    'NOT_FOUND',
    `expected a path under ${[...new Set(places)].join(', ')}; got ${shorten(path)}`,
    {
      remedy: 'Send the request to a path that the message names.',
    },
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
