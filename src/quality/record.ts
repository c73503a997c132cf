// One captured request: what its function's owner named of it.

export type Feature = number | string | boolean;
export type Features = Readonly<Record<string, Feature>>;

export interface CapturedRecord {
  readonly requestId: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Which version of each model answered, as `x-glowplug-model` says it; absent where none ran. */
  readonly models?: string;
  readonly features: Features;
}

/** `2026-11-25/07/<request id>.json`, below the function's prefix. */
export function recordKey(requestId: string, at: Date): string {
  const [day, time = ''] = at.toISOString().split('T');
  return `${day}/${time.slice(0, 2)}/${fileOf(requestId)}`;
}

/** The last part of a record's key. */
export function fileOf(requestId: string): string {
  return `${requestId.replaceAll(/[^\w.-]/g, '_').slice(0, 128)}.json`;
}
