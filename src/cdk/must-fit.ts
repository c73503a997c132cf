// What Lambda would refuse, or what would fail at the first request, is refused when the app is synthesised.
import type { FunctionBundle } from '../build/bundle-function.ts';
import { GlowplugError } from '../core/errors.ts';
import { budgetFor, residentBytes } from '../session/budget.ts';

export interface Fitting {
  readonly bundle: FunctionBundle;
  readonly layers: readonly { readonly bytes: number }[];
  /** MB. */
  readonly memorySize: number;
  readonly seconds: number;
}

export interface Fit {
  /** MB of /tmp: Lambda's 512, or what the models need. */
  readonly ephemeralMb: number;
  /** Set when the models fit one by one, and not all at once. */
  readonly warning?: string;
}

/** Lambda's quotas: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const memoryMb = { least: 128, most: 10_240 };
const tmpMb = { least: 512, most: 10_240 };
const unzippedBytes = 250 * 2 ** 20;
const layersAtMost = 5;
const secondsAtMost = 900;
/** The cache of blobs keeps to three quarters of its disk. */
const cacheShare = 0.75;

/** @throws GlowplugError CONFIG_INVALID, which names the value that would do. */
export function mustFit({ bundle, layers, memorySize, seconds }: Fitting): Fit {
  const refuse = (message: string, remedy: string) =>
    new GlowplugError('CONFIG_INVALID', `function ${bundle.name}: ${message}`, { remedy });

  if (!Number.isInteger(memorySize) || memorySize < memoryMb.least || memorySize > memoryMb.most) {
    throw refuse(
      `expected memorySize to be a whole number of MB from ${memoryMb.least} to ${memoryMb.most}, got ${memorySize}`,
      'Set memorySize to 1769 for one whole vCPU, or leave it out.',
    );
  }
  if (seconds > secondsAtMost) {
    throw refuse(
      `expected a timeout of ${secondsAtMost} seconds or less, got ${seconds}`,
      'Lambda runs no longer: answer through a queue, or serve the function from an endpoint (GpuEndpoint).',
    );
  }
  if (layers.length > layersAtMost) {
    throw refuse(`expected ${layersAtMost} layers or fewer, got ${layers.length}`, 'Put two of them into one.');
  }
  const unzipped = bundle.bytes + layers.reduce((sum, { bytes }) => sum + bytes, 0);
  if (unzipped > unzippedBytes) {
    throw refuse(
      `expected its bundle and layers to be ${mb(unzippedBytes)} MB or less unzipped, got ${mb(unzipped)} MB`,
      'Import less, or serve it from a container (GpuEndpoint), which has no such limit. Weights belong in the store.',
    );
  }

  const models = Object.entries(bundle.lock.models).map(([reference, { files }]) => ({
    reference,
    // The pool's own count of what a session over the file takes, which decides at run time, too.
    resident: residentBytes(files['model.onnx']?.size ?? 0),
  }));
  const enough = (resident: number) => Math.ceil((resident - budgetFor(memorySize)) / 2 ** 20) + memorySize;
  const largest = models.toSorted((a, b) => b.resident - a.resident)[0];
  if (largest && largest.resident > budgetFor(memorySize)) {
    const needed = enough(largest.resident);
    throw refuse(
      `expected memorySize to be ${needed} MB or more for ${largest.reference}, which takes ${mb(largest.resident)} MB when loaded beside Node and onnxruntime; got ${memorySize}`,
      needed > memoryMb.most
        ? `Lambda has ${memoryMb.most} MB at most: use a smaller variant of the model, or serve it from an endpoint (GpuEndpoint).`
        : `Set memorySize: ${needed}, or use a smaller variant of the model.`,
    );
  }
  const ephemeralMb = mustFitDisk(bundle);
  const together = models.reduce((sum, { resident }) => sum + resident, 0);
  return {
    ephemeralMb,
    ...(together > budgetFor(memorySize)
      ? {
          warning: `function ${bundle.name}: its models fit into ${memorySize} MB one by one and not all at once, so that they are loaded again and again; memorySize: ${enough(together)} holds them all`,
        }
      : {}),
  };
}

/** MB of /tmp for its models: Lambda's 512, or what they need. @throws GlowplugError CONFIG_INVALID past what Lambda has */
export function mustFitDisk({ name, lock }: FunctionBundle): number {
  const files = Object.values(lock.models).flatMap((version) => Object.values(version.files));
  const needed = Math.ceil(files.reduce((sum, { size }) => sum + size, 0) / cacheShare / 1e6);
  if (needed <= tmpMb.most) return Math.max(tmpMb.least, needed);
  throw new GlowplugError(
    'CONFIG_INVALID',
    `function ${name}: its models need ${needed} MB of /tmp, and Lambda has ${tmpMb.most} at most`,
    { remedy: 'Use smaller variants, split the function, or serve it from an endpoint on ECS (GpuEndpoint).' },
  );
}

function mb(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
