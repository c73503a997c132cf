// models.keys.json: whose signatures an app believes, and below which version each model does not go.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { GlowplugError, shorten } from '../core/errors.ts';
import { isModelName, isVersionTag } from './reference.ts';

export interface TrustedKeys {
  /** By key id. With none, nothing needs a signature; with one, every model does. */
  readonly keys: Readonly<Record<string, TrustedKey>>;
  /** Model → version. */
  readonly floors: Readonly<Record<string, string>>;
}

export interface TrustedKey {
  /** The 32 bytes of an Ed25519 key in base64url: the `x` of its JWK. */
  readonly publicKey: string;
  /** Models that it may sign; `*` is all of them. */
  readonly models: readonly string[];
}

export const keysFile = 'models.keys.json';

const remedy = 'Mend the file; glowplug keygen writes into it, and an empty one is {}.';

/** @throws GlowplugError CONFIG_INVALID */
export function parseTrustedKeys(text: string): TrustedKeys {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected ${keysFile} to be JSON: ${cause instanceof Error ? cause.message : cause}`,
      { cause, remedy },
    );
  }
  return checkTrustedKeys(json);
}

/** What the file holds. @throws GlowplugError CONFIG_INVALID naming what is wrong: a slip must not turn a check off. */
export function checkTrustedKeys(json: unknown): TrustedKeys {
  const { keys = {}, floors = {} } = record(json, 'the file', ['keys', 'floors']);
  return {
    keys: Object.fromEntries(Object.entries(record(keys, 'keys')).map(([id, key]) => [id, parseKey(id, key)])),
    floors: Object.fromEntries(
      Object.entries(record(floors, 'floors')).map(([model, floor]) => [model, parseFloor(model, floor)]),
    ),
  };
}

export function serializeTrustedKeys({ keys, floors }: TrustedKeys): string {
  return `${JSON.stringify({ keys, ...(Object.keys(floors).length > 0 ? { floors } : {}) }, undefined, 2)}\n`;
}

/** The version below which the model does not go. */
export function floorOf({ floors }: TrustedKeys, model: string): string | undefined {
  return Object.hasOwn(floors, model) ? floors[model] : undefined;
}

/** Key ids go into annotations and messages. */
export function isKeyId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text);
}

export function toPublicKey(x: string): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
}

function parseKey(id: string, value: unknown): TrustedKey {
  if (!isKeyId(id)) throw invalid('a key’s id', 'to be of letters, digits and . _ -', id);
  const { publicKey, models } = record(value, `keys.${id}`, ['publicKey', 'models']);
  if (typeof publicKey !== 'string' || !/^[\w-]{43}$/.test(publicKey)) {
    throw invalid(`keys.${id}.publicKey`, 'to be 32 bytes in base64url', publicKey);
  }
  try {
    toPublicKey(publicKey);
  } catch {
    throw invalid(`keys.${id}.publicKey`, 'to be an Ed25519 key', publicKey);
  }
  if (!Array.isArray(models) || models.length === 0 || !models.every(isCovered)) {
    throw invalid(`keys.${id}.models`, 'to list models, or "*"', models);
  }
  return { publicKey, models };
}

function isCovered(value: unknown): value is string {
  return typeof value === 'string' && (value === '*' || isModelName(value));
}

function parseFloor(model: string, floor: unknown): string {
  if (!isModelName(model)) throw invalid('floors', 'to name models', model);
  if (typeof floor === 'string' && isVersionTag(floor)) return floor;
  throw invalid(`floors.${model}`, 'to be a version, such as 1.4.0', floor);
}

function record(value: unknown, at: string, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(at, 'to be an object', value);
  const surplus = known && Object.keys(value).find((key) => !known.includes(key));
  if (surplus !== undefined) throw invalid(at, `to hold ${known?.join(' and ')}`, surplus);
  return { ...value };
}

function invalid(at: string, expected: string, got: unknown): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', `${keysFile}: expected ${at} ${expected}, got ${shorten(got)}`, {
    remedy,
  });
}
