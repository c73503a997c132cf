// models/<name>/gate.json: what glowplug optimize measured of each variant, by processor; committed, so that publishing need not measure.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Figures, Processor } from '../core/gate.ts';
import { isRecord } from '../core/is-record.ts';
import { isDigest } from './reference.ts';
import type { Digest } from './version.ts';

export interface GateRecord {
  /** By name of the variant. */
  readonly variants: Readonly<Record<string, VariantRecord>>;
}

export interface VariantRecord {
  /** Of the model.onnx that was measured: figures of other bytes say nothing. */
  readonly digest: Digest;
  /** Of the one it was compared with. */
  readonly reference: Digest;
  /** One for each kind of processor. */
  readonly measured: readonly { readonly processor: Processor; readonly figures: Figures }[];
}

/** @throws GlowplugError CONFIG_INVALID */
export function parseGateRecord(text: string, what: string): GateRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`expected ${what} to be JSON, it is not`, cause);
  }
  const variants = isRecord(value) ? value['variants'] : undefined;
  if (!isRecord(variants)) throw invalid(`expected ${what} to hold variants, got ${shorten(value)}`);
  for (const [name, one] of Object.entries(variants)) {
    if (!isVariantRecord(one))
      throw invalid(`expected ${what} to hold digests and figures of ${shorten(name)}, got ${shorten(one)}`);
  }
  // Each was looked at above.
  return { variants: variants as GateRecord['variants'] };
}

export function serializeGateRecord(record: GateRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** The record with another measurement: of the same bytes it stands beside those of other processors, else it replaces them. */
export function withMeasurement(
  { variants }: GateRecord,
  name: string,
  {
    digest,
    reference,
    processor,
    figures,
  }: { digest: Digest; reference: Digest; processor: Processor; figures: Figures },
): GateRecord {
  const before = variants[name];
  const kept =
    before?.digest === digest && before.reference === reference
      ? before.measured.filter((one) => kindOf(one.processor) !== kindOf(processor))
      : [];
  return { variants: { ...variants, [name]: { digest, reference, measured: [...kept, { processor, figures }] } } };
}

/** The architectures on which the variant was measured. */
export function gatedOn(record: VariantRecord | undefined): ReadonlySet<Processor['architecture']> {
  return new Set(record?.measured.map(({ processor }) => processor.architecture));
}

function kindOf({ architecture, features }: Processor): string {
  return [architecture, ...features].join(' ');
}

function isVariantRecord(value: unknown): boolean {
  if (!isRecord(value) || !isDigest(value['digest']) || !isDigest(value['reference'])) return false;
  const measured = value['measured'];
  return (
    Array.isArray(measured) &&
    measured.every((one: unknown) => isRecord(one) && isProcessor(one['processor']) && isFigures(one['figures']))
  );
}

function isProcessor(value: unknown): boolean {
  return (
    isRecord(value) &&
    (value['architecture'] === 'amd64' || value['architecture'] === 'arm64') &&
    Array.isArray(value['features'])
  );
}

/** A figure that is no number would pass no bound, and be told as one that fails. */
function isFigures(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const numbers = ['samples', 'cosine', 'maxError', 'relativeError', 'argmax'];
  if (!numbers.every((name) => typeof value[name] === 'number')) return false;
  const metric = value['metric'];
  return (
    metric === undefined ||
    (isRecord(metric) &&
      typeof metric['value'] === 'number' &&
      typeof metric['reference'] === 'number' &&
      (metric['better'] === 'higher' || metric['better'] === 'lower'))
  );
}

function invalid(message: string, cause?: unknown): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', message, { cause, remedy: 'Measure again: glowplug optimize --write.' });
}
