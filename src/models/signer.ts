// Who signs versions: a key file here, a KMS elsewhere.
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { GlowplugError } from '../core/errors.ts';
import { isKeyId } from './trusted-keys.ts';

export interface Signer {
  /** As models.keys.json names the key. */
  readonly keyId: string;
  /** The 64 bytes of an Ed25519 signature. */
  sign(payload: Uint8Array): Promise<Uint8Array>;
}

/** A private key as keygen writes it: a JWK, whose `kid` is the key's id. */
export interface KeyFile {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly kid: string;
  /** The public key. */
  readonly x: string;
  /** The secret. */
  readonly d: string;
}

export function generateKey(keyId: string): KeyFile {
  if (!isKeyId(keyId)) {
    throw new GlowplugError('CONFIG_INVALID', `expected a key’s id of letters, digits and . _ -, got ${keyId}`, {
      remedy: 'Name it after who signs and since when, such as ci-2026.',
    });
  }
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'Ed25519', kid: keyId, x, d };
}

/** @throws GlowplugError CONFIG_INVALID, which never shows what stands in the text */
export function keyFileSigner(text: string): Signer {
  try {
    const jwk: Partial<Record<string, unknown>> = JSON.parse(text);
    const { kid } = jwk;
    if (jwk['crv'] !== 'Ed25519' || typeof kid !== 'string' || !isKeyId(kid)) throw new TypeError('no Ed25519 JWK');
    const key = createPrivateKey({ format: 'jwk', key: jwk });
    return { keyId: kid, sign: async (payload) => sign(null, payload, key) };
  } catch {
    // Its message may quote the secret.
    throw new GlowplugError(
      'CONFIG_INVALID',
      'expected a key file with an Ed25519 JWK and its kid, got something else',
      {
        remedy: 'Make one with glowplug keygen <id>.',
      },
    );
  }
}
