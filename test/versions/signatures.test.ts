// Who published a version: signed over model, version and digest, believed only from the keys that the app names.
import { createHash, createPrivateKey, sign as signBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { copySignatures } from '../../src/models/copy-signatures.ts';
import { buildManifest } from '../../src/models/manifest.ts';
import { editIndex, readIndex, withTag } from '../../src/models/model-index.ts';
import { publish } from '../../src/models/publish.ts';
import { resolve } from '../../src/models/resolve.ts';
import { sign } from '../../src/models/sign.ts';
import { generateKey, type KeyFile, keyFileSigner, type Signer } from '../../src/models/signer.ts';
import type { Store } from '../../src/models/stores/store.ts';
import type { TrustedKeys } from '../../src/models/trusted-keys.ts';
import { verifySigned } from '../../src/models/verify-signed.ts';
import { buildSignature, signedPayload } from '../../src/models/version-signature.ts';
import { signature as tensors, tinyVersion } from '../models/tiny-version.ts';
import { publishVersions } from './channel.ts';
import { killAt } from './kill-at.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';
import { watched } from './watched-store.ts';

const [ci, other] = [generateKey('ci-2026'), generateKey('other')];
const trust = (...keys: KeyFile[]): TrustedKeys => ({
  keys: Object.fromEntries(keys.map(({ kid, x }) => [kid, { publicKey: x, models: ['*'] }])),
  floors: {},
});
const { locked } = tinyVersion('1.0.0');

describe('a signed version', () => {
  it('is believed when the app trusts the key, for two small requests', async () => {
    const { store, requests } = watched(await signedStore());
    await verifySigned(store, locked, trust(ci));
    expect(requests.map((request) => request.replace(/sha256\/.*/, '…'))).toEqual([
      'GET tiny/index.json',
      'GET tiny/blobs/…',
    ]);
  });

  it('asks the store for nothing when the app names no key', async () => {
    const { store, requests } = watched(memoryStore().store);
    await verifySigned(store, locked, { keys: {}, floors: {} });
    expect(requests).toEqual([]);
  });

  it('is signed once, however often', async () => {
    const { store, requests } = watched(await signedStore());
    expect(await sign(store, 'tiny:1.0.0', signerOf(ci))).toMatchObject({ created: false, keyId: 'ci-2026' });
    expect(requests.filter((request) => request.startsWith('PUT') && request.endsWith('index.json'))).toEqual([]);
  });

  it('has its signature beside it as an OCI 1.1 referrer', async () => {
    const store = await signedStore();
    const { manifests } = (await readIndex(store, 'tiny'))!;
    const referrer = manifests.find(({ artifactType }) => `${artifactType}`.includes('signature'))!;
    const found = await store.get(`tiny/blobs/sha256/${referrer.digest.slice(7)}`);
    const text = Buffer.concat(await chunksOf(found!.body)).toString();
    expect(createHash('sha256').update(text).digest('hex')).toBe(referrer.digest.slice(7));
    const manifest = JSON.parse(text);
    const version = manifests.find(({ digest }) => digest === locked.digest)!;
    expect(manifest).toMatchObject({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: referrer['artifactType'],
      config: { mediaType: 'application/vnd.oci.empty.v1+json', size: 2 },
      subject: { digest: locked.digest, size: version.size, mediaType: version['mediaType'] },
    });
    for (const { digest, size } of [manifest.config, ...manifest.layers]) {
      expect(await store.head(`tiny/blobs/sha256/${digest.slice(7)}`)).toMatchObject({ size });
    }
  });

  it('signs exactly this text: it is a format, and changing it invalidates every signature', () => {
    expect(new TextDecoder().decode(signedPayload(locked))).toBe(
      `glowplug model signature v1\ntiny\n1.0.0\n${locked.digest}\n`,
    );
  });

  it('is believed through either key while keys change, and through the new one after', async () => {
    const store = await signedStore();
    await verifySigned(store, locked, trust(other, ci));
    await sign(store, 'tiny:1.0.0', signerOf(other));
    for (const keys of [trust(ci), trust(other), trust(ci, other)]) await verifySigned(store, locked, keys);
  });

  it('can be signed by anything that keeps the interface, such as a KMS', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0');
    const key = createPrivateKey({ format: 'jwk', key: { ...ci } });
    await sign(store, 'tiny:1.0.0', { keyId: 'ci-2026', sign: async (payload) => signBytes(null, payload, key) });
    await verifySigned(store, locked, trust(ci));
  });

  it('is whole or not there, and signed by the next try, when signing is killed at any request', async () => {
    let kills = 0;
    for (const applied of [false, true]) {
      for (let at = 1; ; at++) {
        const { store } = memoryStore();
        await publishVersions(store, '1.0.0');
        if (!(await killAt(store, at, applied, (dying) => sign(dying, 'tiny:1.0.0', signerOf(ci))))) break;
        kills++;
        const signed = (await readIndex(store, 'tiny'))!.manifests.length === 2;
        const verified = verifySigned(store, locked, trust(ci));
        if (signed) await verified;
        else await expect(verified).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
        await sign(store, 'tiny:1.0.0', signerOf(ci));
        await verifySigned(store, locked, trust(ci));
      }
    }
    console.log(`sign: killed at ${kills} places`);
    expect(kills).toBe(16);
  });
});

describe('a copy of a signed version', () => {
  it('is believed by what it was signed with, however often it is copied', async () => {
    const [from, to] = [await signedStore(), memoryStore().store];
    await sign(from, 'tiny:1.0.0', signerOf(other));
    await publishVersions(to, '1.0.0');
    for (let i = 0; i < 2; i++) {
      expect((await copySignatures(from, to, locked)).sort()).toEqual(['ci-2026', 'other']);
    }
    expect((await readIndex(to, 'tiny'))!.manifests).toHaveLength(3);
    for (const key of [ci, other]) await verifySigned(to, locked, trust(key));
  });

  it('does not take along what is no signature of it', async () => {
    const objects: MemoryStore['objects'] = new Map();
    const [from, to] = [await signedStore(objects), memoryStore().store];
    await publishVersions(to, '1.0.0');
    const referrer = (await readIndex(from, 'tiny'))!.manifests.find(({ artifactType }) =>
      `${artifactType}`.includes('signature'),
    )!;
    const key = `tiny/blobs/sha256/${referrer.digest.slice(7)}`;
    objects.set(key, { ...objects.get(key)!, bytes: Buffer.from('{}') });
    expect(await copySignatures(from, to, locked)).toEqual([]);
    await expect(verifySigned(to, locked, trust(ci))).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  });
});

describe('a version is refused', () => {
  const refused = (message: string) => ({ code: 'SIGNATURE_INVALID', message: expect.stringContaining(message) });

  it('when it is not signed', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0');
    await expect(verifySigned(store, locked, trust(ci))).rejects.toMatchObject(
      refused('expected tiny:1.0.0 to be signed by ci-2026; it is not signed'),
    );
  });

  it('when the key is not trusted, is trusted for other models, or is another key of the same name', async () => {
    const store = await signedStore();
    await expect(verifySigned(store, locked, trust(other))).rejects.toMatchObject(refused('ci-2026 is not trusted'));
    const elsewhere = { keys: { 'ci-2026': { publicKey: ci.x, models: ['iris'] } }, floors: {} };
    await expect(verifySigned(store, locked, elsewhere)).rejects.toMatchObject(
      refused('trusts for tiny, which names none'),
    );
    const impostor = { keys: { 'ci-2026': { publicKey: other.x, models: ['*'] } }, floors: {} };
    await expect(verifySigned(store, locked, impostor)).rejects.toMatchObject(
      refused('the signature by ci-2026 is wrong'),
    );
  });

  it('when its signature is of another version, of another model with the same bytes, or over other text', async () => {
    const forgeries = {
      'another version': signedPayload({ ...locked, version: '0.9.0' }),
      'another model': signedPayload({ ...locked, model: 'iris' }),
      'another digest': signedPayload(tinyVersion('2.0.0').locked),
      'the digest alone': Buffer.from(locked.digest),
    };
    for (const payload of Object.values(forgeries)) {
      const { store } = memoryStore();
      await publishVersions(store, '1.0.0');
      await attach(store, await signerOf(ci).sign(payload));
      await expect(verifySigned(store, locked, trust(ci))).rejects.toMatchObject(refused('by ci-2026 is wrong'));
    }
  });

  it('when a valid signature of another version is listed as its own', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0', '2.0.0');
    await sign(store, 'tiny:2.0.0', signerOf(ci));
    await editIndex(store, 'tiny', (manifests) =>
      manifests.map((one) =>
        `${one['artifactType']}`.includes('signature')
          ? { ...one, annotations: { ...Object(one['annotations']), 'glowplug.signature.subject': locked.digest } }
          : one,
      ),
    );
    await expect(verifySigned(store, locked, trust(ci))).rejects.toMatchObject(refused('by ci-2026 is wrong'));
  });

  it('when the manifest of its signature is gone, changed, or of a size that is none', async () => {
    for (const bytes of [undefined, Buffer.from('{}'), Buffer.alloc(1_000_000)]) {
      const objects: MemoryStore['objects'] = new Map();
      await signedStore(objects);
      const { manifests } = (await readIndex(memoryStore(objects).store, 'tiny'))!;
      const referrer = manifests.find(({ artifactType }) => `${artifactType}`.includes('signature'))!;
      const key = `tiny/blobs/sha256/${referrer.digest.slice(7)}`;
      if (bytes) objects.set(key, { bytes, modified: 0 });
      else objects.delete(key);
      await expect(verifySigned(memoryStore(objects).store, locked, trust(ci))).rejects.toMatchObject(
        refused('is wrong'),
      );
    }
  });

  it('when it is another model’s, validly signed, put in its place', async () => {
    const { store } = memoryStore();
    const iris = buildManifest({
      model: 'iris',
      version: '9.0.0',
      license: 'MIT',
      files: { 'model.onnx': Buffer.from('x') },
      signature: tensors,
    });
    await publish(store, iris);
    await sign(store, 'iris:9.0.0', signerOf(ci));
    await publishVersions(store, '1.0.0');
    await store.put(`tiny/blobs/sha256/${iris.locked.digest.slice(7)}`, iris.manifest, { ifNoneMatch: '*' });
    const { manifests: ofIris } = (await readIndex(store, 'iris'))!;
    await editIndex(store, 'tiny', (manifests) => withTag([...manifests, ...ofIris], 'prod', ofIris.at(-1)!));
    await expect(resolve(store, 'tiny:prod')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(verifySigned(store, { ...iris.locked, model: 'tiny' }, trust(ci))).rejects.toMatchObject(
      refused('is wrong'),
    );
  });

  it('when it is below the floor, however well it is signed', async () => {
    const store = await signedStore();
    const keys = { ...trust(ci), floors: { tiny: '1.0.1', iris: '9.0.0' } };
    await expect(verifySigned(store, locked, keys)).rejects.toMatchObject({
      code: 'BELOW_FLOOR',
      message: 'expected tiny at 1.0.1 or above, got 1.0.0',
    });
    await verifySigned(store, locked, { ...keys, floors: { tiny: '1.0.0' } });
  });
});

describe('a key file', () => {
  it('that is none is refused, and its text is not shown', () => {
    for (const text of [
      '',
      '{}',
      '"secret"',
      JSON.stringify({ ...ci, d: 'c2VjcmV0' }),
      JSON.stringify({ ...ci, kid: 'a b' }),
    ]) {
      let message = '';
      try {
        keyFileSigner(text);
      } catch (error) {
        message = `${error}`;
      }
      expect(message).toContain('expected a key file');
      expect(message).not.toMatch(/secret|c2VjcmV0/);
    }
  });

  it('is not made for an id that could not be written everywhere', () => {
    for (const id of ['', 'a b', '../x', '-x', 'x'.repeat(65)]) {
      expect(() => generateKey(id)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    }
  });
});

function signerOf(key: KeyFile): Signer {
  return keyFileSigner(JSON.stringify(key));
}

/** A store with tiny:1.0.0, signed by ci-2026. */
async function signedStore(objects?: MemoryStore['objects']): Promise<Store> {
  const { store } = memoryStore(objects);
  await publishVersions(store, '1.0.0');
  expect(await sign(store, 'tiny:1.0.0', signerOf(ci))).toMatchObject({ created: true });
  return store;
}

/** What somebody could do who may write to the store. */
async function attach(store: Store, signature: Uint8Array): Promise<void> {
  const subject = (await readIndex(store, 'tiny'))!.manifests.find(({ digest }) => digest === locked.digest)!;
  const { descriptor, manifest } = buildSignature(subject, 'ci-2026', signature);
  await store.put(`tiny/blobs/sha256/${descriptor.digest.slice(7)}`, manifest, { ifNoneMatch: '*' });
  await editIndex(store, 'tiny', (manifests) => [descriptor, ...manifests]);
}

async function chunksOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks;
}
