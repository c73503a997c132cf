// Whether what was measured of a version's variants passes the gate of its definition: read, never measured here.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { type Gate, gateFailures } from '../core/gate.ts';
import { type GateRecord, parseGateRecord } from '../models/gate-record.ts';
import type { BuiltDefinition } from './build-version.ts';
import type { ModelDefinition } from './define-model.ts';

/** Where `glowplug optimize --write` writes what it measured. */
export function gatePath(model: string): string {
  return join('models', model, 'gate.json');
}

/**
 * Every variant but the reference must have been measured as it is now, against the reference as it is now, and pass. A definition
 * without a gate is not looked at.
 *
 * @param modelDigests of the same definition, built
 * @throws GlowplugError GATE_FAILED, CONFIG_INVALID
 */
export async function checkGate(
  { name, gate, variants }: ModelDefinition,
  modelDigests: BuiltDefinition['modelDigests'],
  root: string,
): Promise<void> {
  if (!gate || !variants) return;
  const names = Object.keys(variants);
  const reference = referenceOf(gate, names);
  const record = await readGateRecord(name, root);
  for (const variant of names) {
    if (variant === reference) continue;
    const measured = record.variants[variant];
    const at = `${name}#${variant}`;
    if (!measured || measured.measured.length === 0)
      throw failed(`expected ${at} to have been measured, ${gatePath(name)} does not tell of it`);
    if (measured.digest !== modelDigests[variant] || measured.reference !== modelDigests[reference]) {
      throw failed(`expected figures of ${at} as it is now, ${gatePath(name)} tells of other bytes`);
    }
    const architecture = variants[variant]?.architecture;
    const its = measured.measured.filter(({ processor }) => !architecture || processor.architecture === architecture);
    if (its.length === 0) throw failed(`expected figures of ${at} on ${architecture}, for which it was made`);
    for (const { figures, processor } of its) {
      const failures = gateFailures(gate, figures);
      if (failures.length > 0)
        throw failed(`expected ${at} to pass its gate, on ${processor.model}: ${failures.join('; ')}`);
    }
  }
}

export function referenceOf({ reference }: Gate, names: readonly string[]): string {
  return reference ?? (names.includes('fp32') ? 'fp32' : (names[0] ?? ''));
}

/** An empty one where there is no file. @throws GlowplugError CONFIG_INVALID */
export async function readGateRecord(model: string, root: string): Promise<GateRecord> {
  const path = gatePath(model);
  const text = await readFile(join(root, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? { variants: {} } : parseGateRecord(text, path);
}

function failed(message: string): GlowplugError {
  return new GlowplugError('GATE_FAILED', message);
}
