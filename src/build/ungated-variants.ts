// Which variants of a function's models were never measured where it is deployed to: for a warning at synth.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatedOn, parseGateRecord } from '../models/gate-record.ts';
import type { Lock } from '../models/version.ts';
import type { Architecture } from './layer.ts';

/**
 * One sentence for each such variant. Only models that have a record are looked at: what was never optimised is what it was
 * exported as. A record holds processors alone, so that on a GPU every variant is told.
 *
 * @param lock the slice of the lock file that the function's bundle carries
 * @param root the project, whose `models/<name>/gate.json` are read
 * @throws GlowplugError CONFIG_INVALID (a record that cannot be read)
 * @example
 * for (const warning of ungatedVariants(bundle.lock, 'arm64', root)) Annotations.of(this).addWarning(warning);
 */
export function ungatedVariants({ models }: Lock, target: Architecture | 'gpu', root: string): string[] {
  const wanted = target === 'x86_64' ? 'amd64' : target;
  return Object.entries(models).flatMap(([reference, { model, variant }]) => {
    const path = join('models', model, 'gate.json');
    const text = variant === undefined ? undefined : readIfThere(join(root, path));
    const record = text === undefined ? undefined : parseGateRecord(text, path).variants[variant ?? ''];
    const gated: ReadonlySet<string> = gatedOn(record);
    if (!record || gated.has(wanted)) return [];
    const on = [...gated].join(', ') || 'nothing';
    return [
      target === 'gpu'
        ? `${reference} was gated on ${on}, and runs on a GPU here: it computes INT8 otherwise, and leaves what it has no kernel for to the processor. Name ${model} without a variant, or compare both on such a machine.`
        : `${reference} was never gated on ${wanted}, to which it is deployed, but on ${on}: INT8 differs between processors. Run glowplug optimize --write there and commit ${path}.`,
    ];
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
