// A version's signature as OCI sees it: an artifact manifest whose subject is the version (OCI 1.1 referrer).
import { digestOf, encode, manifestType } from './manifest.ts';
import { annotationOf, type Descriptor } from './model-index.ts';
import { isDigest } from './reference.ts';
import type { Digest, PinnedVersion } from './version.ts';

const signatureType = 'application/vnd.glowplug.signature.v1+ed25519';
/** They help to find a signature, and prove nothing. */
const subjectAnnotation = 'glowplug.signature.subject';
const keyAnnotation = 'glowplug.signature.key';

/** What is signed. The first line keeps it apart from whatever else the key may sign; no part can hold a line break. */
export function signedPayload({ model, version, digest }: PinnedVersion): Uint8Array {
  return new TextEncoder().encode(`glowplug model signature v1\n${model}\n${version}\n${digest}\n`);
}

/** Everything the store will hold of a signature. The same signature gives the same bytes. */
export function buildSignature(subject: Descriptor, keyId: string, signature: Uint8Array) {
  const empty = encode({});
  const { mediaType = manifestType, digest, size } = subject;
  const manifest = encode({
    schemaVersion: 2,
    mediaType: manifestType,
    artifactType: signatureType,
    // image-spec, "Guidance for an empty descriptor".
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(empty), size: 2, data: 'e30=' },
    layers: [
      {
        mediaType: signatureType,
        digest: digestOf(signature),
        size: signature.length,
        // Whoever has the manifest need not ask for 64 bytes more.
        data: Buffer.from(signature).toString('base64'),
      },
    ],
    subject: { mediaType, digest, size },
    annotations: { [keyAnnotation]: keyId },
  });
  const descriptor: Descriptor = {
    mediaType: manifestType,
    artifactType: signatureType,
    digest: digestOf(manifest),
    size: manifest.length,
    annotations: { [subjectAnnotation]: digest, [keyAnnotation]: keyId },
  };
  return { descriptor, blobs: [empty, signature], manifest };
}

/** The descriptors that claim to sign a version, with the keys that they name. */
export function signaturesOf(
  manifests: readonly Descriptor[],
  digest: Digest,
): { keyId: string; descriptor: Descriptor }[] {
  return manifests
    .filter((one) => one['artifactType'] === signatureType && annotationOf(one, subjectAnnotation) === digest)
    .map((descriptor) => ({ keyId: annotationOf(descriptor, keyAnnotation) ?? '', descriptor }));
}

/** Undefined when the bytes are none that buildSignature made. */
export function parseSignatureManifest(bytes: Uint8Array): { subject: Digest; signature: Uint8Array } | undefined {
  try {
    const { artifactType, subject, layers } = JSON.parse(new TextDecoder().decode(bytes));
    const data: unknown = layers[0].data;
    const digest: unknown = subject.digest;
    if (artifactType !== signatureType || typeof data !== 'string' || !isDigest(digest)) return undefined;
    return { subject: digest, signature: Buffer.from(data, 'base64') };
  } catch {
    return undefined;
  }
}
