// Bundles and models as units. Each takes its contract and its session factory from here.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Contract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { type OnBatched, withHost } from '../handler/given-host.ts';
import { tensors } from '../handler/input.ts';
import { inference } from '../inference.ts';
import type { SessionFactory } from '../session/session.ts';
import type { ModelsSpec, UnitSpec } from './serving-messages.ts';
import type { Unit } from './units.ts';

export interface UnitHost {
  readonly contract: Contract;
  /** The one place where sessions are made; what goes around a session goes around it here. */
  readonly createSession: SessionFactory;
  readonly onBatched?: OnBatched;
  /** Bytes of a body for models without code; a function has its own limits. */
  readonly bodyBytes: number;
}

/** @throws GlowplugError CONFIG_INVALID for a bundle that cannot be loaded or exports no handler */
export function loadUnits(specs: readonly UnitSpec[], host: UnitHost): Unit[] {
  return specs.map((spec) => {
    if (spec.kind === 'models') {
      const { lockFile, cacheDir = host.contract.cacheDir } = spec;
      const given = { ...host, contract: { ...host.contract, lockFile, cacheDir } };
      return {
        name: 'models',
        models: Object.keys(spec.models),
        onDemand: spec.onDemand,
        handler: withHost(given, () => codeless(spec, host.bodyBytes)),
      };
    }
    const { capture } = host.contract;
    const contract = {
      ...host.contract,
      lockFile: join(spec.folder, 'models.lock.json'),
      // The place is that of all functions here, laid out as QualityMonitor's bucket.
      capture: capture && `${capture.replace(/\/$/, '')}/captured/${spec.name}`,
    };
    const handler = withHost({ ...host, contract }, () => loadBundle(spec.folder));
    return { name: spec.name, models: [], handler };
  });
}

function codeless({ models: references, batched, onDemand, control }: ModelsSpec, maxBytes: number): Unit['handler'] {
  const models = Object.fromEntries(
    Object.entries(references).map(([name, model]) => {
      const batch = batched[name];
      return [name, batch ? { model, batch } : model];
    }),
  );
  const input = tensors({ maxBytes });
  const served = { models, input, onDemand, oip: { control } };
  if (Object.keys(models).length === 1) return inference(served);
  return inference({
    ...served,
    predict() {
      throw new GlowplugError('NOT_FOUND', `expected a path of the Open Inference Protocol: several models are here`, {
        remedy: `POST to /v2/models/${Object.keys(models)[0]}/infer, or to another of ${Object.keys(models).join(', ')}.`,
      });
    },
  });
}

function loadBundle(folder: string): Unit['handler'] {
  let loaded: unknown;
  try {
    loaded = createRequire(join(folder, 'index.js'))('./index.js');
  } catch (cause) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected a function’s bundle in ${folder}, it cannot be loaded: ${cause}`,
      {
        cause,
        remedy: 'Run the function with glowplug dev and mend what it says, or build it again.',
      },
    );
  }
  const handler: unknown =
    Object.getOwnPropertyDescriptor(Object(loaded), 'handler')?.get?.() ?? Object(loaded).handler;
  if (isHandler(handler)) return handler;
  throw new GlowplugError('CONFIG_INVALID', `expected ${folder} to export handler, made by inference()`, {
    remedy: 'export const handler = inference({ … });',
  });
}

function isHandler(value: unknown): value is Unit['handler'] {
  return typeof value === 'function' && 'fetch' in value && 'warm' in value;
}
